import type { NumberRange } from "@/api/client";

type Bounds = Pick<NumberRange, "minimum" | "maximum" | "step" | "integer">;

/** The allowed value closest to `value`, by the same rule as the server's. */
export function fit(value: number, range: Bounds): number {
  let near = Math.min(Math.max(value, range.minimum), range.maximum);
  if (range.step) {
    near = range.minimum + Math.round((near - range.minimum) / range.step) * range.step;
    if (near > range.maximum) near -= range.step;
  }
  return range.integer ? Math.round(near) : Number(near.toFixed(6));
}

/** A seed as the server takes them: a whole number below 2 to the 32nd. */
export function drawSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}

/** An id that the client chooses itself, for sessions. */
export function newId(): string {
  const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => letters[byte % 36]).join("");
}
