// Everything the bench sends. Each accepted job is durable; hanging up loses nothing.
import { api, type Job, type JobRequest, type Model, take } from "@/api/client";
import { client, queries } from "@/api/queries";
import { drawSeed, newId } from "@/lib/numbers";
import { requestOf } from "../assets/copying";
import { showJob } from "./bench";
import { hasLostInput } from "./recipe";

/** Submits a job to a session; the key keeps a repeated press from buying twice. */
export async function submitJob(request: JobRequest, sessionId: string): Promise<string> {
  const body = { ...request, session_id: sessionId } as never;
  const accepted = await take(api.POST("/api/jobs", { body, params: { header: { "Idempotency-Key": newId() } } }));
  await showJob(accepted.job_id, sessionId);
  return accepted.job_id;
}

/** Another take of a picture: changed a little where the model can edit, else made anew with another seed. */
export async function vary(job: Job, asset: { id: string }, model: Model, sessionId: string): Promise<string> {
  const edit = model.operations.edit;
  const applied = job.applied as Record<string, unknown>;
  if (edit?.strength && job.kind !== "video") {
    const { minimum, maximum } = edit.strength;
    const strength = Math.min(maximum, Math.max(minimum, 0.4));
    return submitJob({ model: job.model, kind: "edit", prompt: job.prompt, reference_images: [asset.id], strength, seed: drawSeed() }, sessionId);
  }
  if (job.kind === "video") return anotherVideo(asset.id, sessionId);
  const same: JobRequest = { model: job.model, kind: "generate", prompt: job.prompt, seed: drawSeed() };
  if (job.width && job.height) Object.assign(same, { width: job.width, height: job.height });
  if (typeof applied.num_inference_steps === "number") same.steps = applied.num_inference_steps;
  if (typeof applied.guidance_scale === "number") same.guidance_scale = applied.guidance_scale;
  return submitJob(same, sessionId);
}

/** The same video with another seed, out of the same pictures, sounds and video. */
async function anotherVideo(id: string, sessionId: string): Promise<string> {
  const asset = await client.ensureQueryData(queries.asset(id));
  if (hasLostInput(asset)) throw new Error("What went in came from a file that the library does not have: put it in again.");
  return submitJob({ ...requestOf(asset), seed: drawSeed() }, sessionId);
}

/** Makes a picture or a video larger. */
export async function upscale(asset: { id: string; kind: "image" | "video" }, model: string, scale: number | undefined, sessionId: string): Promise<string> {
  const source = asset.kind === "video" ? { video_asset_id: asset.id } : { image_asset_id: asset.id };
  const body = { ...source, model, session_id: sessionId, ...(scale ? { scale } : {}) } as never;
  const accepted = await take(api.POST("/api/upscale/jobs", { body }));
  await showJob(accepted.job_id, sessionId);
  return accepted.job_id;
}

/** Submits the same request again. */
export async function again(job: Pick<Job, "job_id" | "session_id">): Promise<string> {
  const accepted = await take(api.POST("/api/jobs/{job_id}/retry", { params: { path: { job_id: job.job_id } } }));
  await showJob(accepted.job_id, job.session_id ?? "");
  return accepted.job_id;
}
