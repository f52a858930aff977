// The same picture from a shell: as a request, and as a command.
import type { AssetDetail } from "@/api/client";

const FIELDS = { num_inference_steps: "steps", guidance_scale: "guidance_scale", negative_prompt: "negative_prompt", strength: "strength", scheduler: "scheduler", aspect_ratio: "aspect_ratio", num_frames: "num_frames", fps: "fps", duration: "duration", scale: "scale", parameters: "parameters", loras: "loras" } as const;

/** The request that makes the asset again, as plain JSON. */
export function requestOf(asset: Pick<AssetDetail, "recipe" | "prompt" | "model" | "seed" | "operation" | "width" | "height">): Record<string, unknown> {
  const recipe = asset.recipe as Record<string, unknown>;
  const body: Record<string, unknown> = { kind: asset.operation, model: asset.model, prompt: asset.prompt };
  if (asset.seed !== null) body.seed = asset.seed;
  for (const [from, to] of Object.entries(FIELDS)) if (recipe[from] !== undefined && recipe[from] !== null) body[to] = recipe[from];
  if (asset.operation === "generate" && !body.aspect_ratio && asset.width) Object.assign(body, { width: asset.width, height: asset.height });
  if (asset.operation === "video" && !body.aspect_ratio && recipe.width && recipe.height) Object.assign(body, { width: recipe.width, height: recipe.height });
  const [images, sounds, [source]] = (["image", "sound", "video"] as const).map((role) => parentsOf(asset, role).filter((id) => id !== null)) as [string[], string[], string[]];
  if (images.length) body.reference_images = images;
  if (sounds.length) body.sounds = sounds;
  if (source) body.media = source;
  return body;
}

/** Ids of what went in with this role; `null` for a file that the library does not have. */
function parentsOf(asset: Pick<AssetDetail, "recipe">, role: string): (string | null)[] {
  const parents = ((asset.recipe as Record<string, unknown>).parents as { role: string; asset_id: string | null }[] | undefined) ?? [];
  return parents.filter((parent) => parent.role === role).map((parent) => parent.asset_id);
}

/** One argument for a POSIX shell, whatever it holds. */
export function quoted(text: string): string {
  return /^[A-Za-z0-9_./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export function asCurl(asset: Parameters<typeof requestOf>[0], origin: string): string {
  return `curl -s ${quoted(`${origin}/api/jobs`)} -H 'content-type: application/json' -d ${quoted(JSON.stringify(requestOf(asset)))}`;
}

/** Flags of what goes into a video, with the commands that fetch each file first. One that is not in the library has to be put there. */
function inputsOf(asset: Pick<AssetDetail, "recipe">): { before: string[]; flags: string[] } {
  const kinds = [["image", "--image", "png"], ["sound", "--sound", "flac"], ["video", "--video", "mp4"]] as const;
  const files = kinds.flatMap(([role, flag, ending]) => parentsOf(asset, role).map((id, index) => ({ id, flag, name: `${role}-${index + 1}.${ending}` })));
  return { before: files.flatMap(({ id, name }) => (id ? [`diorama assets export ${quoted(id)} ${name} && `] : [])), flags: files.flatMap(({ flag, name }) => [flag, name]) };
}

/** The command that makes the asset again. */
export function asCommand(asset: Parameters<typeof requestOf>[0] & Pick<AssetDetail, "id">): string {
  const video = asset.operation === "video";
  if (asset.operation !== "generate" && !video) return `diorama replay ${quoted(`diorama-${asset.id}.png`)}`;
  const body = requestOf(asset);
  const { before, flags: inputs } = video ? inputsOf(asset) : { before: [], flags: [] };
  const parts = ["diorama", asset.operation, "--model", quoted(asset.model), ...inputs];
  const flags: Record<string, string> = { seed: "--seed", steps: "--steps", guidance_scale: "--guidance", negative_prompt: "--negative", scheduler: "--scheduler", aspect_ratio: "--ratio", duration: "--duration", ...(video ? { strength: "--strength", num_frames: "--frames", fps: "--fps" } : {}) };
  for (const [name, flag] of Object.entries(flags)) if (body[name] !== undefined) parts.push(flag, quoted(String(body[name])));
  if (body.width) parts.push("--size", `${String(body.width)}x${String(body.height)}`);
  for (const lora of (body.loras as { id: string; weight: number }[] | undefined) ?? []) parts.push("--lora", quoted(`${lora.id}:${lora.weight}`));
  for (const [name, value] of Object.entries((body.parameters as Record<string, unknown> | undefined) ?? {})) parts.push("-p", quoted(`${name}=${typeof value === "string" ? value : JSON.stringify(value)}`));
  return before.join("") + [...parts, "--", quoted(asset.prompt)].join(" ");
}
