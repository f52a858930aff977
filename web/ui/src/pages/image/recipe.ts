// From a recipe (ours, or read from somebody else's file) back to a draft.
import type { AssetDetail, Facts } from "@/api/client";
import type { Draft, Reference } from "./draft";

type Plain = Record<string, unknown>;
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number | undefined => (typeof value === "number" && Number.isFinite(value) ? value : undefined);

function lorasOf(value: unknown): Draft["loras"] {
  if (!Array.isArray(value)) return [];
  return value.map((item: Plain) => ({ id: text(item.id) || text(item.name), weight: number(item.weight) ?? 1 })).filter((item) => item.id);
}

export function assetReference(asset: { id: string; url: string; prompt?: string }): Reference {
  return { source: asset.id, url: asset.url, name: asset.prompt?.slice(0, 60) || `picture ${asset.id.slice(-6)}` };
}

function parentReference(parent: Plain, noun = "picture"): Reference {
  const id = text(parent.asset_id);
  return { source: id, url: `/api/assets/${id}/file`, name: `${noun} ${id.slice(-6)}` };
}

/** Whether something went in that the library does not have: a file, which the draft cannot bring back. */
export function hasLostInput(asset: Pick<AssetDetail, "recipe">): boolean {
  const parents = (asset.recipe as Plain).parents;
  return Array.isArray(parents) && (parents as Plain[]).some((parent) => !text(parent.asset_id));
}

/** Everything that a recipe of ours says, as changes of a draft. */
export function fromRecipe(asset: Pick<AssetDetail, "recipe" | "prompt" | "model" | "seed">): Partial<Draft> {
  const recipe = asset.recipe as Plain;
  const parents = Array.isArray(recipe.parents) ? (recipe.parents as Plain[]) : [];
  const known = parents.filter((parent) => text(parent.asset_id));
  const references = known.filter((parent) => parent.role === "image").map((parent) => parentReference(parent));
  const source = known.find((parent) => parent.role === "video");
  const controls = Object.fromEntries(known.flatMap((parent) => (text(parent.role).startsWith("control:") ? [[text(parent.role).slice(8), parentReference(parent)]] : [])));
  const ratio = text(recipe.aspect_ratio);
  return {
    model: asset.model,
    prompt: asset.prompt,
    negative: text(recipe.negative_prompt),
    references,
    sounds: known.filter((parent) => parent.role === "sound").map((parent) => parentReference(parent, "sound")),
    video: source && parentReference(source, "video"),
    controls,
    mask: undefined,
    ratio: ratio || undefined,
    width: ratio ? undefined : number(recipe.width),
    height: ratio ? undefined : number(recipe.height),
    steps: number(recipe.num_inference_steps),
    guidance: number(recipe.guidance_scale),
    strength: number(recipe.strength),
    scheduler: text(recipe.scheduler) || undefined,
    seed: asset.seed ?? undefined,
    frames: number(recipe.num_frames),
    fps: number(recipe.fps),
    duration: number(recipe.duration),
    loras: lorasOf(recipe.loras),
    parameters: (recipe.parameters as Plain | undefined) ?? {},
  };
}

/** What a dropped file says, as changes of a draft. A model that is not here is left out; the server names it as missing. */
export function fromFacts(facts: Facts): Partial<Draft> {
  const known = facts.model && !facts.missing.some((item) => item.startsWith("model ")) ? { model: facts.model } : {};
  return {
    ...known,
    prompt: facts.prompt,
    negative: facts.negative_prompt,
    ratio: undefined,
    width: facts.width ?? undefined,
    height: facts.height ?? undefined,
    steps: facts.num_inference_steps ?? undefined,
    guidance: facts.guidance_scale ?? undefined,
    strength: facts.strength ?? undefined,
    seed: facts.seed ?? undefined,
    loras: facts.source === "diorama" ? facts.loras.map((lora) => ({ id: lora.name, weight: lora.weight ?? 1 })) : [],
  };
}
