import type { Capabilities, NumberRange } from "@/api/client";
import { propertiesOf, ratiosOf } from "../image/draft";

const span = (range: NumberRange | null): string => {
  if (!range) return "";
  const bounds = range.minimum === range.maximum ? String(range.minimum) : `${range.minimum} to ${range.maximum}`;
  return `${bounds}${range.step ? ` in steps of ${range.step}` : ""}${range.default !== null && range.default !== undefined && range.minimum !== range.maximum ? `, by itself ${range.default}` : ""}`;
};

/** What an operation accepts, as facts. */
export function Abilities({ caps }: { caps: Capabilities }) {
  const sizes = caps.sizes;
  const size = !sizes ? "" : sizes.match_input ? "as the input" : [ratiosOf(sizes).map((ratio) => ratio.name).join(", "), sizes.free ? `any from ${sizes.minimum} to ${sizes.maximum}, in steps of ${sizes.multiple_of}` : ""].filter(Boolean).join("; ");
  const rows: [string, string][] = [
    ["Prompt", caps.prompt === "none" ? "not read" : `${caps.prompt}, up to ${caps.max_prompt_chars} characters`],
    ["Size", size],
    ["Pictures in", span(caps.images_in)],
    ["Video in", caps.videos_in ? "one" : ""],
    ["Sounds in", span(caps.sounds_in)],
    ["Results", caps.images_out.maximum > 1 ? span(caps.images_out) : ""],
    ["Steps", span(caps.num_inference_steps)],
    ["Guidance", span(caps.guidance_scale)],
    ["Strength", span(caps.strength)],
    ["Frames", span(caps.frames)],
    ["Frames per second", span(caps.fps)],
    ["Seconds", span(caps.duration)],
    ["Factor", span(caps.scale)],
    ["Samplers", caps.schedulers.join(", ")],
    ["LoRA", caps.lora_kinds.length ? `${caps.lora_kinds.join(", ")}, up to ${caps.max_loras}` : ""],
    ["Also takes", [caps.seed && "seed", caps.negative_prompt && "negative prompt", caps.mask && "mask", caps.audio && "sound", ...caps.control_kinds].filter(Boolean).join(", ")],
    ["Its own", Object.keys(propertiesOf(caps)).join(", ")],
  ];
  return <dl className="facts">{rows.filter(([, value]) => value).map(([name, value]) => [<dt key={`${name}-name`}>{name}</dt>, <dd key={name}>{value}</dd>])}</dl>;
}
