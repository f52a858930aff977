// The same picture from a shell: as a request, and as a command.
import type { AssetDetail } from "@/api/client";

const FIELDS = { num_inference_steps: "steps", guidance_scale: "guidance_scale", negative_prompt: "negative_prompt", strength: "strength", scheduler: "scheduler", aspect_ratio: "aspect_ratio", num_frames: "num_frames", duration: "duration", scale: "scale", parameters: "parameters", loras: "loras" } as const;

/** The request that makes the asset again, as plain JSON. */
export function requestOf(asset: Pick<AssetDetail, "recipe" | "prompt" | "model" | "seed" | "operation" | "width" | "height">): Record<string, unknown> {
  const recipe = asset.recipe as Record<string, unknown>;
  const body: Record<string, unknown> = { kind: asset.operation, model: asset.model, prompt: asset.prompt };
  if (asset.seed !== null) body.seed = asset.seed;
  for (const [from, to] of Object.entries(FIELDS)) if (recipe[from] !== undefined && recipe[from] !== null) body[to] = recipe[from];
  if (asset.operation === "generate" && !body.aspect_ratio && asset.width) Object.assign(body, { width: asset.width, height: asset.height });
  const parents = (recipe.parents as { role: string; asset_id: string | null }[] | undefined) ?? [];
  const images = parents.filter((parent) => parent.role === "image" && parent.asset_id).map((parent) => parent.asset_id);
  if (images.length) body.reference_images = images;
  const sounds = parents.filter((parent) => parent.role === "sound" && parent.asset_id).map((parent) => parent.asset_id);
  if (sounds.length) body.sounds = sounds;
  return body;
}

/** One argument for a POSIX shell, whatever it holds. */
export function quoted(text: string): string {
  return /^[A-Za-z0-9_./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export function asCurl(asset: Parameters<typeof requestOf>[0], origin: string): string {
  return `curl -s ${quoted(`${origin}/api/jobs`)} -H 'content-type: application/json' -d ${quoted(JSON.stringify(requestOf(asset)))}`;
}

/** The command that makes the asset again. */
export function asCommand(asset: Parameters<typeof requestOf>[0] & Pick<AssetDetail, "id">): string {
  if (asset.operation !== "generate") return `diorama replay ${quoted(`diorama-${asset.id}.png`)}`;
  const body = requestOf(asset);
  const parts = ["diorama", "generate", "--model", quoted(asset.model)];
  const flags: Record<string, string> = { seed: "--seed", steps: "--steps", guidance_scale: "--guidance", negative_prompt: "--negative", scheduler: "--scheduler", aspect_ratio: "--ratio", duration: "--duration" };
  for (const [name, flag] of Object.entries(flags)) if (body[name] !== undefined) parts.push(flag, quoted(String(body[name])));
  if (body.width) parts.push("--size", `${String(body.width)}x${String(body.height)}`);
  for (const lora of (body.loras as { id: string; weight: number }[] | undefined) ?? []) parts.push("--lora", quoted(`${lora.id}:${lora.weight}`));
  for (const [name, value] of Object.entries((body.parameters as Record<string, unknown> | undefined) ?? {})) parts.push("-p", quoted(`${name}=${typeof value === "string" ? value : JSON.stringify(value)}`));
  return [...parts, "--", quoted(asset.prompt)].join(" ");
}
