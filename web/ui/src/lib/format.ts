// Facts as people read them.
import type { Job } from "@/api/client";

/** Unix seconds of the day's first moment, in this browser's time zone. */
export function startOfDay(now: Date): number {
  return Math.floor(new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime() / 1000);
}

/** `3.2 s`, `1:05`, `2:00:10`. */
export function seconds(value: number): string {
  if (value < 0.1) return "under 0.1 s";
  if (value < 60) return `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
  const whole = Math.round(value);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const [hours = 0, minutes = 0, rest = 0] = parts;
  const tail = `${hours ? String(minutes).padStart(2, "0") : minutes}:${String(rest).padStart(2, "0")}`;
  return hours ? `${hours}:${tail}` : tail;
}

/** `about 3.2 s`, `under 0.1 s`. */
export function aboutSeconds(value: number): string {
  return value < 0.1 ? seconds(value) : `about ${seconds(value)}`;
}

/** `$0.04`, `€0.0015`, `12 credits`. Small sums keep enough digits to be told from nothing. */
export function money(amount: number, currency = "USD"): string {
  const digits = amount === 0 || amount >= 0.1 ? 2 : Math.min(6, 1 - Math.floor(Math.log10(amount)));
  if (!/^[A-Z]{3}$/.test(currency)) return `${Number(amount.toFixed(digits))} ${currency}`;
  return new Intl.NumberFormat("en", { style: "currency", currency, minimumFractionDigits: 2, maximumFractionDigits: Math.max(2, digits) }).format(amount);
}

/** `1.4 GB` of a number of bytes. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let step = 0;
  let rest = value;
  while (rest >= 1000 && step < units.length - 1) {
    rest /= 1000;
    step += 1;
  }
  return `${rest >= 100 || step === 0 ? Math.round(rest) : rest.toFixed(1)} ${units[step]}`;
}

/** `today 14:03`, `yesterday 09:10`, `12 Mar 14:03`, `12 Mar 2025`. */
export function moment(iso: string, now = new Date()): string {
  const then = new Date(iso);
  const clock = then.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const days = Math.round((startOfDay(now) - startOfDay(then)) / 86_400);
  if (days === 0) return `today ${clock}`;
  if (days === 1) return `yesterday ${clock}`;
  const day = `${then.getDate()} ${then.toLocaleString("en-GB", { month: "short" })}`;
  return then.getFullYear() === now.getFullYear() ? `${day} ${clock}` : `${day} ${then.getFullYear()}`;
}

export const STATUS_WORDS: Record<Job["status"], string> = {
  queued: "Waiting",
  downloading: "Downloading",
  loading_model: "Loading model",
  generating: "Generating",
  saving: "Saving",
  completed: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

export const FINAL: ReadonlySet<string> = new Set(["completed", "failed", "cancelled"]);

/** Seconds that a finished job ran. */
export function ranFor(job: Pick<Job, "started_at" | "finished_at">): number | null {
  if (!job.started_at || !job.finished_at) return null;
  return Math.max(0, (Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000);
}

type Moving = Pick<Job, "status" | "numbers" | "eta_seconds" | "queue_position" | "wait_reason">;

/** Where a job is, in numbers: `step 7 of 20`, `picture 2 of 4`, `120 of 480 MB at 8.1 MB/s`. */
export function numbersOf(job: Moving): string {
  const n = job.numbers as Record<string, number | undefined>;
  const parts: string[] = [];
  if (job.status === "queued") {
    if (job.wait_reason) parts.push(job.wait_reason.replace(/\.$/, ""));
    if (job.queue_position) parts.push(`number ${job.queue_position} in the queue`);
  }
  if (n.images && n.images > 1 && n.image) parts.push(`picture ${n.image} of ${n.images}`);
  if (n.frames && n.frame !== undefined) parts.push(`frame ${n.frame} of ${n.frames}`);
  if (n.steps && n.step !== undefined) parts.push(`step ${n.step} of ${n.steps}`);
  const total = n.bytes_total;
  const done = n.bytes_done;
  if (done !== undefined && total) parts.push(`${bytes(done)} of ${bytes(total)}`);
  if (n.bytes_per_second) parts.push(`${bytes(n.bytes_per_second)}/s`);
  if (job.eta_seconds && !FINAL.has(job.status)) parts.push(`${aboutSeconds(job.eta_seconds)} left`);
  return parts.join(" · ");
}

const NAMES: Record<string, string> = { num_inference_steps: "steps", guidance_scale: "guidance", num_frames: "frames", num_images: "pictures", negative_prompt: "not in it", scheduler: "sampler" };

/** A field of a request or a recipe as the bench calls it. */
export function nameOf(field: string): string {
  const plainly = field.replace(/^parameters\./, "");
  return NAMES[plainly] ?? plainly.replaceAll("_", " ");
}

/** A value as text, for notes and recipes. */
export function plain(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  return typeof value === "string" ? value : JSON.stringify(value);
}
