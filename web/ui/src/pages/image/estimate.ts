// What a press of the button will cost in money and time, as far as it is known before.
import type { Capabilities, Job, Model } from "@/api/client";
import { ranFor } from "@/lib/format";
import { type Draft, sizeOf } from "./draft";

/** Price of the draft; `null` when running the model costs nothing per use or the sum cannot be known before. */
export function priceOf(model: Pick<Model, "price">, draft: Draft, caps: Capabilities, runSeconds: number | null): { amount: number; currency: string } | null {
  const price = model.price;
  if (!price) return null;
  const count = draft.count ?? caps.images_out.default ?? 1;
  const size = sizeOf(draft, caps);
  const fps = draft.fps ?? caps.fps?.default ?? null;
  const frames = draft.frames ?? caps.frames?.default ?? null;
  const length = draft.duration ?? caps.duration?.default ?? (frames && fps ? frames / fps : null);
  const units: Record<string, number | null> = {
    image: count,
    job: 1,
    video: 1,
    megapixel: size ? (count * size.width * size.height) / 1e6 : null,
    second: length,
    step: count * (draft.steps ?? caps.num_inference_steps?.default ?? 0) || null,
    compute_second: runSeconds,
  };
  const number = units[price.per] ?? null;
  return number === null ? null : { amount: price.amount * number, currency: price.currency };
}

/** Seconds that like work took before: the mean of up to five finished runs of this model, by steps and number of pictures. */
export function secondsOf(jobs: readonly Job[], modelId: string, count: number, steps: number | null): number | null {
  const runs: number[] = [];
  for (const job of jobs) {
    const ran = ranFor(job);
    if (job.model !== modelId || job.status !== "completed" || ran === null) continue;
    const made = Math.max(1, job.images.length);
    const took = typeof job.applied.num_inference_steps === "number" ? job.applied.num_inference_steps : null;
    const scale = (count / made) * (steps && took ? steps / took : 1);
    runs.push(ran * scale);
    if (runs.length === 5) break;
  }
  return runs.length ? runs.reduce((sum, item) => sum + item, 0) / runs.length : null;
}
