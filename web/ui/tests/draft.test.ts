import { describe, expect, it } from "vitest";
import type { Capabilities, Job, Model } from "@/api/client";
import { type Draft, EMPTY_DRAFT, freeSize, leftOut, missing, operationOf, propertiesOf, ratiosOf, referenceLimit, sizeOf, toRequest } from "@/pages/image/draft";
import { light } from "@/pages/image/bench";
import { priceOf, secondsOf } from "@/pages/image/estimate";
import { fit } from "@/lib/numbers";

const range = (minimum: number, maximum: number, more: object = {}) => ({ minimum, maximum, default: null, step: null, integer: false, ...more });
const SIZES = { default: [512, 512] as [number, number], minimum: 64, maximum: 1024, multiple_of: 8, max_pixels: null, choices: [], ratios: { "1:1": [512, 512] as [number, number], "16:9": [768, 432] as [number, number] }, free: true, match_input: false };
const CAPS: Capabilities = {
  produces: null, sounds_in: null, prompt: "required", max_prompt_chars: 2000, negative_prompt: true, sizes: SIZES, images_in: null, videos_in: false, mask: false,
  images_out: range(1, 4, { default: 1, integer: true }), seed: true, seed_range: null, num_inference_steps: range(1, 50, { default: 20, integer: true }), guidance_scale: range(0, 20, { default: 5 }),
  strength: null, schedulers: ["euler"], lora_kinds: [], max_loras: 2, lora_sources: [], control_kinds: [], frames: null, fps: null, duration: null, audio: false, scale: null,
  parameters: { properties: { late: { "x-order": 9 }, early: { "x-order": 1 } } }, preview: true, resumable: false,
};
const EDIT: Capabilities = { ...CAPS, images_in: range(1, 3, { integer: true }), mask: true, strength: range(0, 1, { default: 0.6 }), sizes: { ...SIZES, match_input: true } };
const model = (operations: Record<string, Capabilities>, more: Partial<Model> = {}): Model =>
  ({ id: "b:m", title: "M", backend: "b", operations, price: null, availability: { state: "ready", fix: null, url: null }, ...more }) as unknown as Model;
const draft = (more: Partial<Draft>): Draft => ({ ...EMPTY_DRAFT, prompt: "a ball", ...more });
const PICTURE = { source: "id1", url: "/x", name: "x" };

describe("what a model is asked to do", () => {
  it("edits when a picture goes in and it can, else generates", () => {
    const hybrid = model({ generate: CAPS, edit: EDIT });
    expect(operationOf(hybrid, draft({}), "image")).toBe("generate");
    expect(operationOf(hybrid, draft({ references: [PICTURE] }), "image")).toBe("edit");
    expect(operationOf(model({ edit: EDIT }), draft({}), "image")).toBe("edit");
    expect(operationOf(model({ video: CAPS }), draft({}), "image")).toBeNull();
    expect(operationOf(model({ video: CAPS }), draft({}), "video")).toBe("video");
    expect(referenceLimit(hybrid, "image")).toBe(3);
    expect(referenceLimit(model({ generate: CAPS }), "image")).toBe(0);
  });
});

describe("a video that is made over", () => {
  const OVER: Capabilities = { ...CAPS, videos_in: true, strength: range(0, 1, { default: 0.6 }) };
  const over = model({ video: OVER });
  const VIDEO = { source: "v1", url: "/v", name: "v" };
  it("goes in with its strength, which means nothing without it", () => {
    expect(toRequest(draft({ video: VIDEO, strength: 0.3 }), over, "video", OVER)).toEqual({ model: "b:m", kind: "video", prompt: "a ball", media: "v1", strength: 0.3 });
    expect(toRequest(draft({ strength: 0.3 }), over, "video", OVER)).toEqual({ model: "b:m", kind: "video", prompt: "a ball" });
    expect(toRequest(draft({ video: VIDEO, strength: 0.3 }), model({ video: CAPS }), "video", CAPS)).not.toHaveProperty("media");
  });
  it("decides the size unless one is asked", () => {
    expect(sizeOf(draft({}), OVER)).toEqual({ width: 512, height: 512 });
    expect(sizeOf(draft({ video: VIDEO }), OVER)).toBeNull();
    expect(sizeOf(draft({ video: VIDEO }), CAPS)).toEqual({ width: 512, height: 512 });
    expect(sizeOf(draft({ video: VIDEO, ratio: "16:9" }), OVER)).toMatchObject({ width: 768 });
  });
  it("is said to stay behind where the model takes none, as pictures beside it are", () => {
    expect(leftOut(draft({ video: VIDEO }), OVER)).toBeNull();
    expect(leftOut(draft({ video: VIDEO, references: [PICTURE] }), { ...OVER, images_in: range(0, 1) })).toBeNull();
    expect(leftOut(draft({ video: VIDEO }), CAPS)).toEqual({ words: "This model takes no video: what was put in is not sent.", away: { video: undefined } });
    expect(leftOut(draft({ video: VIDEO, references: [PICTURE], mask: "data:" }), OVER)).toEqual({ words: "This model makes the video over and takes no picture: what was put in is not sent.", away: { references: [], mask: undefined } });
    expect(leftOut(draft({ video: VIDEO, references: [PICTURE] }), CAPS)?.words).toBe("This model takes no picture and no video: what was put in is not sent.");
  });
  it("is kept with its session where the library has it, and as a file is not", () => {
    expect(light(draft({ video: VIDEO })).video).toEqual(VIDEO);
    expect(light(draft({ video: { ...VIDEO, source: "data:video/mp4;base64,AA" } })).video).toBeUndefined();
  });
});

describe("the request", () => {
  it("holds only what the operation takes", () => {
    const everything = draft({ negative: "blur", strength: 0.4, mask: "data:", references: [PICTURE], frames: 9, audio: true, scheduler: "unknown", loras: [{ id: "l", weight: 1 }], parameters: { early: 1, foreign: 2 } });
    expect(toRequest(everything, model({ generate: CAPS }), "generate", CAPS)).toEqual({ model: "b:m", kind: "generate", prompt: "a ball", negative_prompt: "blur", parameters: { early: 1 } });
  });
  it("sends the maps that the model reads, by kind", () => {
    const maps = draft({ controls: { canny: PICTURE, depth: { ...PICTURE, source: "id2" }, pose: undefined } });
    expect(toRequest(maps, model({ generate: CAPS }), "generate", CAPS).control_images).toBeUndefined();
    const reads = { ...CAPS, control_kinds: ["canny", "pose"] };
    expect(toRequest(maps, model({ generate: reads }), "generate", reads).control_images).toEqual({ canny: "id1" });
  });
  it("sends mask and strength to a model that edits, and never a size where the input decides", () => {
    const request = toRequest(draft({ strength: 0.4, mask: "data:m", references: [PICTURE], ratio: "16:9", width: 100, height: 100 }), model({ edit: EDIT }), "edit", EDIT);
    expect(request).toMatchObject({ strength: 0.4, mask: "data:m", reference_images: ["id1"] });
    expect(request).not.toHaveProperty("width");
    expect(request).not.toHaveProperty("aspect_ratio");
  });
  it("keeps numbers inside their bounds", () => {
    expect(toRequest(draft({ steps: 500, count: 9, seed: 3 }), model({ generate: CAPS }), "generate", CAPS)).toMatchObject({ steps: 50, num_images: 4, seed: 3 });
  });
  it("names a ratio by name and a fixed size by its sides", () => {
    expect(toRequest(draft({ ratio: "16:9" }), model({ generate: CAPS }), "generate", CAPS).aspect_ratio).toBe("16:9");
    const fixed: Capabilities = { ...CAPS, sizes: { ...SIZES, ratios: {}, choices: [[640, 480]], free: false } };
    expect(ratiosOf(fixed.sizes)).toEqual([{ name: "640×480", width: 640, height: 480 }]);
    expect(freeSize(fixed.sizes)).toBe(false);
    expect(toRequest(draft({ ratio: "640×480" }), model({ generate: fixed }), "generate", fixed)).toMatchObject({ width: 640, height: 480 });
  });
});

describe("what is missing", () => {
  it("says so in a sentence", () => {
    expect(missing(draft({ prompt: " " }), model({ generate: CAPS }), CAPS)).toMatch(/Write/);
    expect(missing(draft({}), model({ edit: EDIT }), EDIT)).toMatch(/add one/);
    expect(missing(draft({}), model({ generate: CAPS }, { availability: { state: "needs_key", fix: "Set a key.", url: null } }), CAPS)).toBe("Set a key.");
    expect(missing(draft({}), model({ generate: CAPS }), CAPS)).toBe("");
  });
});

describe("estimates", () => {
  const price = (per: string, amount: number) => ({ price: { amount, currency: "USD", per, note: null, as_of: null } }) as Pick<Model, "price">;
  it("count what the price counts", () => {
    expect(priceOf({ price: null }, draft({}), CAPS, null)).toBeNull();
    expect(priceOf(price("image", 0.04), draft({ count: 3 }), CAPS, null)?.amount).toBeCloseTo(0.12);
    expect(priceOf(price("megapixel", 1), draft({ width: 1000, height: 1000 }), CAPS, null)?.amount).toBeCloseTo(1);
    expect(priceOf(price("compute_second", 0.001), draft({}), CAPS, 30)?.amount).toBeCloseTo(0.03);
    expect(priceOf(price("compute_second", 0.001), draft({}), CAPS, null)).toBeNull();
    expect(priceOf(price("second", 0.1), draft({ frames: 48, fps: 24 }), CAPS, null)?.amount).toBeCloseTo(0.2);
  });
  it("measure by finished runs of the same model", () => {
    const job = (name: string, ran: number, made: number) => ({ model: name, status: "completed", started_at: "2026-01-01T00:00:00Z", finished_at: new Date(Date.parse("2026-01-01T00:00:00Z") + ran * 1000).toISOString(), images: Array.from({ length: made }), applied: { num_inference_steps: 20 } }) as unknown as Job;
    expect(secondsOf([], "b:m", 1, null)).toBeNull();
    expect(secondsOf([job("other", 9, 1), job("b:m", 4, 2)], "b:m", 1, 20)).toBeCloseTo(2);
    expect(secondsOf([job("b:m", 4, 1)], "b:m", 2, 40)).toBeCloseTo(16);
  });
});

it("fits numbers by the server's rule", () => {
  expect(fit(82, { minimum: 1, maximum: 81, step: 4, integer: true })).toBe(81);
  expect(fit(6.4, { minimum: 1, maximum: 81, step: 4, integer: true })).toBe(5);
  expect(fit(-3, { minimum: 0, maximum: 1, step: null, integer: false })).toBe(0);
});

it("knows the size before when it can be known", () => {
  expect(sizeOf(draft({ ratio: "16:9" }), CAPS)).toMatchObject({ width: 768, height: 432 });
  expect(sizeOf(draft({}), EDIT)).toBeNull();
});

it("orders a model's own parameters", () => {
  expect(Object.keys(propertiesOf(CAPS))).toEqual(["early", "late"]);
});

it("takes sounds where the model does", () => {
  const lips: Capabilities = { ...CAPS, sounds_in: range(1, 1, { integer: true }) };
  const one = model({ video: lips });
  expect(missing(draft({}), one, lips)).toBe("This model takes a sound: add one.");
  const given = draft({ sounds: [{ source: "s1", url: "/s", name: "voice" }, { source: "s2", url: "/s", name: "more" }] });
  expect(missing(given, one, lips)).toBe("");
  expect(toRequest(given, one, "video", lips).sounds).toEqual(["s1"]);
  expect(toRequest(given, one, "video", CAPS).sounds).toBeUndefined();
});
