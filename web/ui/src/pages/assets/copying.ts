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
  const inputs = inputsOf(asset);
  const images = idsOf(inputs, "image");
  const sounds = idsOf(inputs, "sound");
  const [mask] = idsOf(inputs, "mask");
  const [source] = [...idsOf(inputs, "video"), ...idsOf(inputs, "media")];
  const maps = inputs.flatMap(({ role, asset_id: id }) => (role.startsWith(CONTROL) && id ? [[role.slice(CONTROL.length), id]] : []));
  if (images.length) body.reference_images = images;
  if (sounds.length) body.sounds = sounds;
  if (mask) body.mask = mask;
  if (source) body.media = source;
  if (maps.length) body.control_images = Object.fromEntries(maps);
  return body;
}

const CONTROL = "control:";

/** What went in; the id is `null` for a file that the library does not have. */
interface Input {
  role: string;
  asset_id: string | null;
}

function inputsOf(asset: Pick<AssetDetail, "recipe">): Input[] {
  return ((asset.recipe as Record<string, unknown>).parents as Input[] | undefined) ?? [];
}

function idsOf(inputs: Input[], role: string): string[] {
  return inputs.flatMap((input) => (input.role === role && input.asset_id ? [input.asset_id] : []));
}

/** One argument for a POSIX shell, whatever it holds. */
export function quoted(text: string): string {
  return /^[A-Za-z0-9_./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export function asCurl(asset: Parameters<typeof requestOf>[0], origin: string): string {
  return `curl -s ${quoted(`${origin}/api/jobs`)} -H 'content-type: application/json' -d ${quoted(JSON.stringify(requestOf(asset)))}`;
}

/** The files of what went in, with the commands that fetch each first. One that is not in the library has to be put there. */
function filesOf(asset: Pick<AssetDetail, "recipe" | "kind">): { fetched: string; files: { role: string; name: string }[] } {
  const endings: Record<string, string> = { sound: "flac", video: "mp4", media: asset.kind === "video" ? "mp4" : "png" };
  const seen: Record<string, number> = {};
  const found = inputsOf(asset).map(({ role, asset_id: id }) => {
    const word = role.replace(CONTROL, "");
    seen[word] = (seen[word] ?? 0) + 1;
    return { role, id, name: `${word}-${seen[word]}.${endings[role] ?? "png"}` };
  });
  return { fetched: found.map(({ id, name }) => (id ? `diorama assets export ${quoted(id)} ${quoted(name)} && ` : "")).join(""), files: found };
}

const ROLE_FLAGS: Record<string, Record<string, string>> = {
  generate: { image: "--reference", sound: "--sound" },
  edit: { image: "--reference", mask: "--mask" },
  video: { image: "--image", sound: "--sound", video: "--video" },
};
const FLAGS = { seed: "--seed", steps: "--steps", guidance_scale: "--guidance", negative_prompt: "--negative", scheduler: "--scheduler", aspect_ratio: "--ratio", duration: "--duration", strength: "--strength", num_frames: "--frames", fps: "--fps", scale: "--scale" } as const;
const OWN_FLAGS: Record<string, ReadonlySet<string>> = {
  generate: new Set(["aspect_ratio", "duration"]),
  edit: new Set(["aspect_ratio", "strength"]),
  video: new Set(["aspect_ratio", "duration", "strength", "num_frames", "fps"]),
  upscale: new Set(["scale"]),
};
const EVERYWHERE = new Set(["seed", "steps", "guidance_scale", "negative_prompt", "scheduler"]);

/** The command that makes the asset again. */
export function asCommand(asset: Parameters<typeof requestOf>[0] & Pick<AssetDetail, "id" | "kind">): string {
  const body = requestOf(asset);
  const { fetched, files } = filesOf(asset);
  const alone = asset.operation === "edit" || asset.operation === "upscale"; // their source stands before the prompt
  const rest = alone ? files.slice(1) : files;
  const parts = ["diorama", asset.operation, "--model", quoted(asset.model)];
  for (const { role, name } of rest) {
    const flag = ROLE_FLAGS[asset.operation]?.[role];
    if (flag) parts.push(flag, name);
    else if (role.startsWith(CONTROL)) parts.push("--control", quoted(`${role.slice(CONTROL.length)}=${name}`));
  }
  for (const [name, flag] of Object.entries(FLAGS)) if (body[name] !== undefined && (EVERYWHERE.has(name) || OWN_FLAGS[asset.operation]?.has(name))) parts.push(flag, quoted(String(body[name])));
  if (body.width) parts.push("--size", `${String(body.width)}x${String(body.height)}`);
  for (const lora of (body.loras as { id: string; weight: number }[] | undefined) ?? []) parts.push("--lora", quoted(`${lora.id}:${lora.weight}`));
  for (const [name, value] of Object.entries((body.parameters as Record<string, unknown> | undefined) ?? {})) parts.push("-p", quoted(`${name}=${typeof value === "string" ? value : JSON.stringify(value)}`));
  const last = asset.operation === "upscale" ? [] : [quoted(asset.prompt)];
  if (asset.operation === "upscale" && asset.prompt) parts.push("--prompt", quoted(asset.prompt));
  return fetched + [...parts, "--", ...(alone ? [files[0]?.name ?? "source.png"] : []), ...last].join(" ");
}
