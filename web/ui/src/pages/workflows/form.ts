// A workflow's typed parameters as a form, and the form's values as what a run is asked with.
import type { components } from "@/api/schema";

type Schemas = components["schemas"];
export type Workflow = Schemas["WorkflowView"];
export type Parameter = Schemas["WorkflowParameter"];
export type Issue = Schemas["WorkflowIssue"];
/** By parameter; what is not in it is as the workflow says. */
export type Values = Record<string, unknown>;

/** A picture, a video or a sound that goes in. */
export interface Medium {
  source: string;
  url: string;
  name: string;
  video?: boolean;
  sound?: boolean;
}

export type Control = "media" | "seed" | "text" | "long" | "number" | "choice" | "switch" | "colour";
const MEDIA = new Set(["image", "mask", "video", "audio"]);

/** How a parameter is asked for. Other files are chosen among those that the server has. */
export function controlOf(parameter: Parameter): Control {
  if (parameter.upload && MEDIA.has(parameter.role)) return "media";
  if (parameter.name === "seed") return "seed";
  if (parameter.choices) return "choice";
  if (parameter.type === "int" || parameter.type === "float") return "number";
  if (parameter.type === "boolean") return "switch";
  if (parameter.type === "color") return "colour";
  return parameter.multiline || parameter.role.endsWith("prompt") ? "long" : "text";
}

const number = (value: unknown): number | undefined => (value === null || value === "" || value === undefined || Number.isNaN(Number(value)) ? undefined : Number(value));

export interface Scale {
  minimum: number | undefined;
  maximum: number | undefined;
  step: number;
  integer: boolean;
  /** Where the slider begins and ends: the part of the range that is used; none for numbers without sensible bounds. */
  low?: number;
  high?: number;
}

const USUAL: Record<string, readonly [number, number]> = {
  num_inference_steps: [1, 60], guidance_scale: [0, 20], num_frames: [1, 241], fps: [1, 60], duration: [1, 30], width: [256, 2048], height: [256, 2048], num_images: [1, 8],
  lora_weight: [-1, 2], scale: [1, 8],
};
const WIDEST = 400;

/** Bounds of a number, and the part of them that a slider covers: servers allow 10000 steps, people use 60. */
export function scaleOf(parameter: Parameter, value: number | undefined): Scale {
  const minimum = number(parameter.minimum);
  const maximum = number(parameter.maximum);
  const integer = parameter.type === "int";
  const step = parameter.step && parameter.step > 0 ? parameter.step : integer ? 1 : 0.01;
  const scale: Scale = { minimum, maximum, step, integer };
  const [from, to] = USUAL[parameter.role] ?? [minimum ?? Number.NaN, maximum ?? Number.NaN];
  const low = Math.max(from, minimum ?? from);
  const high = Math.min(to, maximum ?? to);
  const known = parameter.role in USUAL || (high - low) / step <= WIDEST || high - low <= 10;
  return known && high > low ? { ...scale, low: Math.min(low, value ?? low), high: Math.max(high, value ?? high) } : scale;
}

/** The allowed number closest to what was typed; undefined for what is no number. */
export function fitted(text: string, scale: Scale): number | undefined {
  const value = number(text);
  if (value === undefined) return undefined;
  let near = Math.min(Math.max(value, scale.minimum ?? -Infinity), scale.maximum ?? Infinity);
  if (scale.integer) {
    near = Math.round(near);
    if (scale.step > 1) near = (scale.minimum ?? 0) + Math.round((near - (scale.minimum ?? 0)) / scale.step) * scale.step;
    if (scale.maximum !== undefined && near > scale.maximum) near -= scale.step;
    return near;
  }
  return Number(near.toFixed(6));
}

/** A label as people read it: files name things `noise_seed` and `ckpt_name`. */
export function labelOf(parameter: Pick<Parameter, "label" | "role">): string {
  const text = parameter.label.replaceAll("_", " ").trim();
  return parameter.role === "model" && /^(ckpt|unet|model) name$/i.test(text) ? "Model" : text;
}

export interface Form {
  main: Parameter[];
  /** The rest by the section of the workflow it is from. */
  advanced: [section: string, parameters: Parameter[]][];
  count: number;
}

/** What the form shows: the important ones in the workflow's order, the rest by section. */
export function formOf(parameters: readonly Parameter[]): Form {
  const shown = parameters.filter((parameter) => !parameter.hidden);
  const sections = new Map<string, Parameter[]>();
  for (const parameter of shown.filter((item) => item.group === "advanced")) {
    const section = parameter.section || "Other";
    sections.set(section, [...(sections.get(section) ?? []), parameter]);
  }
  return { main: shown.filter((item) => item.group === "main"), advanced: [...sections], count: shown.filter((item) => item.group === "advanced").length };
}

const pictures = (parameters: readonly Parameter[]): Parameter[] => parameters.filter((item) => !item.hidden && item.role === "image" && controlOf(item) === "media");

const soundsOf = (parameters: readonly Parameter[]): Parameter[] => parameters.filter((item) => !item.hidden && item.role === "audio" && controlOf(item) === "media");

/** Whether the server already has the file that the workflow names, so that none has to be given. */
export const hasOwn = (parameter: Parameter): boolean => typeof parameter.default === "string" && (parameter.choices ?? []).includes(parameter.default);

/** What a run is asked with. Only what was changed is sent; pictures go in the workflow's order. */
export function toRun(parameters: readonly Parameter[], values: Values): Values {
  const run: Values = {};
  for (const parameter of parameters) {
    const value = values[parameter.name];
    if (value === undefined || controlOf(parameter) === "media") continue;
    if (value !== parameter.default || parameter.name === "seed") run[parameter.name] = value;
  }
  const images = pictures(parameters).flatMap((item) => sourceOf(values[item.name]));
  if (images.length) run.images = images;
  for (const role of ["mask", "video"]) {
    const [source] = parameters.filter((item) => item.role === role).flatMap((item) => sourceOf(values[item.name]));
    if (source) run[role] = source;
  }
  for (const item of soundsOf(parameters)) {
    const value = values[item.name];
    const [source] = sourceOf(value); // by its own name: another sound of the server is a name too
    if (source) run[item.name] = source;
    else if (typeof value === "string" && value !== item.default) run[item.name] = value;
  }
  const [painted] = sourceOf(values.mask);
  if (painted) run.mask = painted; // where a picture's transparency is the mask, no parameter has that name
  return run;
}

const sourceOf = (value: unknown): string[] => {
  const source = (value as Medium | undefined)?.source;
  return typeof source === "string" ? [source] : [];
};

/** The first thing that has to be given before it can run, by parameter. */
export function lacking(parameters: readonly Parameter[], values: Values): { name: string; text: string } | null {
  let empty: Parameter | null = null;
  for (const picture of pictures(parameters)) {
    const given = sourceOf(values[picture.name]).length > 0;
    if (given && empty) return { name: empty.name, text: `Give “${labelOf(empty)}” first; pictures go in by their order.` };
    if (!given) {
      empty ??= picture;
      if (!hasOwn(picture)) return { name: picture.name, text: `Choose a picture for “${labelOf(picture)}”.` };
    }
  }
  const video = parameters.find((item) => !item.hidden && item.role === "video" && controlOf(item) === "media" && !hasOwn(item) && !sourceOf(values[item.name]).length);
  if (video) return { name: video.name, text: `Choose a video for “${labelOf(video)}”.` };
  const sound = soundsOf(parameters).find((item) => !hasOwn(item) && typeof values[item.name] !== "string" && !sourceOf(values[item.name]).length);
  return sound ? { name: sound.name, text: `Choose a sound for “${labelOf(sound)}”.` } : null;
}

/** Why it cannot run as it stands: what is missing and was not replaced by another choice. */
export function hindrance(workflow: Workflow, values: Values): string {
  if (workflow.reason) return workflow.reason;
  const [node] = workflow.missing_nodes;
  if (node) return workflow.missing_nodes.length > 1 ? `${workflow.missing_nodes.length} kinds of nodes are not installed in ComfyUI.` : `The node ${node.class_type} is not installed in ComfyUI.`;
  const file = workflow.missing_files.find((item) => !replaced(workflow, item, values));
  return file ? `ComfyUI does not have ${file.name}. Put it there, or choose another file.` : "";
}

function replaced(workflow: Workflow, file: Workflow["missing_files"][number], values: Values): boolean {
  const own = workflow.parameters.find((item) => item.targets.some(([node, input]) => node === file.node && input === file.input));
  const value = own && (values[own.name] ?? own.default);
  return Boolean(own?.choices?.includes(value));
}

/** The parameter that an error's field is about: `parameters.steps` is `steps`, `images` the first picture. */
export function blamed(field: string | null | undefined, parameters: readonly Parameter[]): string | null {
  if (!field) return null;
  const name = field.replace(/^parameters\./, "").replace(/\[\d+\]$/, "");
  if (parameters.some((item) => item.name === name && !item.hidden)) return name;
  const role = { images: "image", media: "image", image: "image", video: "video", mask: "mask", sounds: "audio" }[name];
  const own = role && parameters.find((item) => item.role === role && !item.hidden);
  if (own) return own.name;
  return name === "size" || name === "aspect_ratio" ? (parameters.find((item) => item.name === "width")?.name ?? null) : null;
}

export type Overrides = Workflow["overrides"];

/** Overrides with a change of one parameter; what is as the workflow itself has it is left out. */
export function arranged(overrides: Overrides, name: string, change: Record<string, unknown>): Overrides {
  const own = Object.fromEntries(Object.entries({ ...overrides[name], ...change }).filter(([, value]) => value !== undefined));
  const { [name]: _old, ...rest } = overrides;
  return Object.keys(own).length ? { ...rest, [name]: own } : rest;
}

/** Where a package of nodes is described: the registry for its names, GitHub for `owner/name`. */
export function packageUrl(name: string): string | null {
  if (name === "comfy-core") return null;
  if (/^[\w.-]+\/[\w.-]+$/.test(name)) return `https://github.com/${name}`;
  return /^[\w.-]+$/.test(name) ? `https://registry.comfy.org/nodes/${encodeURIComponent(name)}` : null;
}

/** The main parameters with width and height as one. */
export function paired(parameters: readonly Parameter[]): (Parameter | [Parameter, Parameter])[] {
  const width = parameters.find((item) => item.name === "width" && controlOf(item) === "number");
  const height = parameters.find((item) => item.name === "height" && controlOf(item) === "number");
  if (!width || !height) return [...parameters];
  return parameters.filter((item) => item !== height).map((item): Parameter | [Parameter, Parameter] => (item === width ? [width, height] : item));
}

/** Nodes in the order in which a job came through them, the current one last. */
export function passed(nodes: readonly string[], now: unknown): readonly string[] {
  return typeof now === "string" && now && nodes[nodes.length - 1] !== now ? [...nodes, now] : nodes;
}
