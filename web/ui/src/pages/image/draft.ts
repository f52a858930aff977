// What a person has set on the bench, and what of it a model takes. Pure functions; tests/draft.test.ts proves them.
import type { Capabilities, JobRequest, Model, NumberRange, Sizes } from "@/api/client";
import { fit } from "@/lib/numbers";

export type Medium = "image" | "video";
export type Operation = "generate" | "edit" | "video";

export interface Reference {
  /** Asset id or data URL, as it is sent. */
  source: string;
  /** What is shown. */
  url: string;
  name: string;
}

/** Undefined means: the model's own default. */
export interface Draft {
  model: string;
  prompt: string;
  negative: string;
  references: Reference[];
  /** Sounds that go in, for models that take them. */
  sounds?: Reference[];
  /** The video that is made over, for models that take one. */
  video?: Reference;
  mask?: string;
  /** Maps by kind, for models that read them. */
  controls: Record<string, Reference | undefined>;
  ratio?: string;
  width?: number;
  height?: number;
  steps?: number;
  guidance?: number;
  strength?: number;
  scheduler?: string;
  seed?: number;
  count?: number;
  frames?: number;
  fps?: number;
  duration?: number;
  audio?: boolean;
  loras: { id: string; weight: number }[];
  parameters: Record<string, unknown>;
}

export const EMPTY_DRAFT: Draft = { model: "", prompt: "", negative: "", references: [], controls: {}, loras: [], parameters: {} };

/** What the model would be asked to do with this draft; `null` when it can do nothing on this bench. */
export function operationOf(model: Pick<Model, "operations">, draft: Pick<Draft, "references">, medium: Medium): Operation | null {
  const can = model.operations;
  if (medium === "video") return can.video ? "video" : null;
  if (can.edit && (draft.references.length > 0 || !can.generate)) return "edit";
  return can.generate ? "generate" : null;
}

/** How many pictures may go in, over both operations of the bench: the drop zone is there before the first picture is. */
export function referenceLimit(model: Pick<Model, "operations">, medium: Medium): number {
  const operations = medium === "video" ? [model.operations.video] : [model.operations.edit, model.operations.generate];
  return Math.max(0, ...operations.map((caps) => caps?.images_in?.maximum ?? 0));
}

export interface Ratio {
  name: string;
  width: number;
  height: number;
}

/** Named ratios, or the only sizes there are. Empty when the size follows the input or cannot be chosen. */
export function ratiosOf(sizes: Sizes | null | undefined): Ratio[] {
  if (!sizes || sizes.match_input) return [];
  const named = Object.entries(sizes.ratios).map(([name, size]) => ({ name, width: Number(size[0]), height: Number(size[1]) }));
  if (named.length) return named;
  return sizes.choices.map((size) => ({ name: `${size[0]}×${size[1]}`, width: Number(size[0]), height: Number(size[1]) }));
}

/** Whether any width and height may be typed. */
export function freeSize(sizes: Sizes | null | undefined): boolean {
  return Boolean(sizes && sizes.free && !sizes.match_input && sizes.choices.length === 0);
}

/** The size that would come out as far as it is known before. */
export function sizeOf(draft: Draft, caps: Capabilities): { width: number; height: number } | null {
  if (caps.sizes?.match_input) return null;
  if (draft.width && draft.height) return { width: draft.width, height: draft.height };
  const chosen = ratiosOf(caps.sizes).find((ratio) => ratio.name === draft.ratio);
  if (chosen) return chosen;
  if (draft.video && caps.videos_in) return null; // its own shape counts
  const [width, height] = (caps.sizes?.default as [number, number] | null | undefined) ?? [0, 0];
  return width && height ? { width, height } : null;
}

const bounded = (value: number | undefined, range: NumberRange | null): number | undefined => (value === undefined || !range ? undefined : fit(value, range));

/** Why the draft cannot be sent yet, in a sentence; empty when it can. */
export function missing(draft: Draft, model: Model, caps: Capabilities): string {
  if (model.availability.state !== "ready") return model.availability.fix ?? "This model is not ready.";
  const least = caps.images_in?.minimum ?? 0;
  if (draft.references.length < least) return least === 1 ? "This model changes a picture: add one." : `This model needs ${least} pictures.`;
  const sounds = caps.sounds_in?.minimum ?? 0;
  if ((draft.sounds?.length ?? 0) < sounds) return sounds === 1 ? "This model takes a sound: add one." : `This model needs ${sounds} sounds.`;
  if (caps.prompt === "required" && !draft.prompt.trim()) return "Write what should be in the picture.";
  return "";
}

/** What of the draft goes into no field of this model, in a sentence, and the changes that put it away; `null` when all of it has its place. */
export function leftOut(draft: Draft, caps: Capabilities): { words: string; away: Partial<Draft> } | null {
  const nouns: string[] = [];
  const away: Partial<Draft> = {};
  if (draft.references.length && !caps.images_in) {
    nouns.push("picture");
    Object.assign(away, { references: [], mask: undefined });
  }
  if (draft.video && !caps.videos_in) {
    nouns.push("video");
    away.video = undefined;
  }
  if (draft.sounds?.length && !caps.sounds_in) {
    nouns.push("sound");
    away.sounds = undefined;
  }
  if (!nouns.length) return null;
  const together = draft.video && caps.videos_in ? "makes the video over and" : "";
  return { words: `This model ${together} takes no ${nouns.join(" and no ")}: what was put in is not sent.`.replace("  ", " "), away };
}

/** The request for this draft: only what the model takes. */
export function toRequest(draft: Draft, model: Model, operation: Operation, caps: Capabilities): JobRequest {
  const request: JobRequest = { model: model.id, kind: operation, prompt: draft.prompt.trim() };
  const set = <K extends keyof JobRequest>(name: K, value: JobRequest[K] | undefined): void => {
    if (value !== undefined) request[name] = value;
  };
  if (caps.negative_prompt && draft.negative.trim()) request.negative_prompt = draft.negative.trim();
  if (caps.images_in && draft.references.length) request.reference_images = draft.references.slice(0, caps.images_in.maximum).map((item) => item.source);
  if (caps.sounds_in && draft.sounds?.length) request.sounds = draft.sounds.slice(0, caps.sounds_in.maximum).map((item) => item.source);
  if (caps.videos_in && draft.video) request.media = draft.video.source;
  if (caps.mask && draft.mask && draft.references.length) request.mask = draft.mask;
  sizeInto(request, draft, caps);
  set("steps", bounded(draft.steps, caps.num_inference_steps));
  set("guidance_scale", bounded(draft.guidance, caps.guidance_scale));
  if (operation !== "video" || request.media) set("strength", bounded(draft.strength, caps.strength));
  set("num_images", bounded(draft.count, caps.images_out));
  set("num_frames", bounded(draft.frames, caps.frames));
  set("fps", bounded(draft.fps, caps.fps));
  set("duration", bounded(draft.duration, caps.duration));
  if (caps.audio) set("audio", draft.audio);
  if (caps.seed) set("seed", draft.seed);
  if (draft.scheduler && caps.schedulers.includes(draft.scheduler)) request.scheduler = draft.scheduler;
  const maps = caps.control_kinds.flatMap((kind) => (draft.controls[kind] ? [[kind, draft.controls[kind].source]] : []));
  if (maps.length) request.control_images = Object.fromEntries(maps) as Record<string, string>;
  const loras = draft.loras.filter((lora) => lora.id.trim());
  if (caps.lora_kinds.length && loras.length) request.loras = loras.slice(0, caps.max_loras);
  const known = propertiesOf(caps);
  const parameters = Object.fromEntries(Object.entries(draft.parameters).filter(([name, value]) => name in known && value !== undefined && value !== ""));
  if (Object.keys(parameters).length) request.parameters = parameters;
  return request;
}

function sizeInto(request: JobRequest, draft: Draft, caps: Capabilities): void {
  if (!caps.sizes || caps.sizes.match_input) return;
  if (draft.width && draft.height && freeSize(caps.sizes)) {
    request.width = draft.width;
    request.height = draft.height;
    return;
  }
  const chosen = ratiosOf(caps.sizes).find((ratio) => ratio.name === draft.ratio);
  if (!chosen) return;
  if (chosen.name in caps.sizes.ratios) request.aspect_ratio = chosen.name;
  else Object.assign(request, { width: chosen.width, height: chosen.height });
}

export interface Property {
  type?: string | string[];
  title?: string;
  description?: string;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  default?: unknown;
  "x-group"?: string;
  "x-order"?: number;
}

/** The model's own parameters by name, in the order it asks for. */
export function propertiesOf(caps: Pick<Capabilities, "parameters">): Record<string, Property> {
  const properties = (caps.parameters as { properties?: Record<string, Property> } | undefined)?.properties ?? {};
  return Object.fromEntries(Object.entries(properties).sort(([, a], [, b]) => (a["x-order"] ?? 1e6) - (b["x-order"] ?? 1e6)));
}
