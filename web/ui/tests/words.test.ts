import { describe, expect, it } from "vitest";
import type { AssetDetail, Facts, ModelSummary } from "@/api/client";
import { bytes, money, moment, numbersOf, seconds } from "@/lib/format";
import { deskSearch, gallerySearch } from "@/lib/search";
import { asCommand, asCurl, quoted, requestOf } from "@/pages/assets/copying";
import { toQuery } from "@/pages/assets/gallery";
import { marked } from "@/pages/assets/useSelection";
import { written } from "@/pages/image/bench";
import { EMPTY_DRAFT } from "@/pages/image/draft";
import { fromMask, invertAlpha, toMask } from "@/pages/image/mask";
import { fromFacts, fromRecipe, hasLostInput } from "@/pages/image/recipe";
import { findModels } from "@/pages/models/words";

describe("facts as text", () => {
  it("seconds, bytes, money", () => {
    expect([0.42, 59.6, 65, 7210].map(seconds)).toEqual(["0.4 s", "60 s", "1:05", "2:00:10"]);
    expect([0, 999, 1_400_000_000].map(bytes)).toEqual(["0 B", "999 B", "1.4 GB"]);
    expect(money(0.0015)).toBe("$0.0015");
    expect(money(0)).toBe("$0.00");
    expect(money(12, "credits")).toBe("12 credits");
  });
  it("days are told by the calendar", () => {
    const now = new Date(2026, 2, 10, 1, 0);
    expect(moment(new Date(2026, 2, 10, 0, 5).toISOString(), now)).toBe("today 00:05");
    expect(moment(new Date(2026, 2, 9, 23, 59).toISOString(), now)).toBe("yesterday 23:59");
    expect(moment(new Date(2025, 0, 2).toISOString(), now)).toBe("2 Jan 2025");
  });
  it("numbers of a job", () => {
    const base = { status: "generating" as const, eta_seconds: 5, queue_position: null, wait_reason: null };
    expect(numbersOf({ ...base, numbers: { step: 3, steps: 10, image: 2, images: 4 } })).toBe("picture 2 of 4 · step 3 of 10 · about 5.0 s left");
    expect(numbersOf({ ...base, status: "queued", eta_seconds: null, queue_position: 2, wait_reason: "The lane is busy.", numbers: {} })).toBe("The lane is busy · number 2 in the queue");
  });
});

describe("the address", () => {
  it("drops what it does not know", () => {
    expect(deskSearch({ session: "../x", model: "a:b", take: "everything", from: 5 })).toEqual({ model: "a:b", from: "5" });
    expect(gallerySearch({ tab: "odd", size: "12x", seed: "7", since: "yesterday", q: "x" })).toEqual({ seed: 7, q: "x" });
  });
  it("turns filters into the server's", () => {
    expect(toQuery({ tab: "favourites", size: "64x48", q: "red" })).toEqual({ favourite: true, width: 64, height: 48, q: "red" });
    const { after, before } = toQuery({ since: "2026-01-02", until: "2026-01-02" });
    expect((before ?? 0) - (after ?? 0)).toBe(86_400);
  });
});

const ASSET = { id: "x", prompt: "it's a 'ball'; rm -rf /", model: "b:m", seed: 5, operation: "generate", width: 64, height: 48, recipe: { num_inference_steps: 7, negative_prompt: "$(boom)" } } as unknown as AssetDetail;

describe("commands to copy", () => {
  it("hold any prompt as one argument", () => {
    expect(quoted("a'b")).toBe("'a'\\''b'");
    expect(asCommand(ASSET)).toBe("diorama generate --model b:m --seed 5 --steps 7 --negative '$(boom)' --size 64x48 -- 'it'\\''s a '\\''ball'\\''; rm -rf /'");
    const body = asCurl(ASSET, "http://127.0.0.1:8031").split(" -d ")[1] ?? "";
    expect(JSON.parse(body.slice(1, -1).replaceAll("'\\''", "'"))).toMatchObject({ prompt: ASSET.prompt, steps: 7, seed: 5 });
  });
});

const OVER = { ...ASSET, prompt: "a boat", operation: "video", model: "b:v", recipe: { strength: 0.25, num_frames: 9, fps: 8, width: 64, height: 48, parents: [{ role: "video", asset_id: "src" }] } } as unknown as AssetDetail;

describe("a video that was made over", () => {
  it("is asked for again with its source", () => {
    expect(requestOf(OVER)).toEqual({ kind: "video", model: "b:v", prompt: "a boat", seed: 5, strength: 0.25, num_frames: 9, fps: 8, width: 64, height: 48, media: "src" });
    expect(asCommand(OVER)).toBe("diorama assets export src video-1.mp4 && diorama video --model b:v --video video-1.mp4 --seed 5 --strength 0.25 --frames 9 --fps 8 --size 64x48 -- 'a boat'");
    const dropped = { ...OVER, recipe: { parents: [{ role: "video", asset_id: null }, { role: "image", asset_id: "p" }] } };
    expect(requestOf(dropped)).toEqual({ kind: "video", model: "b:v", prompt: "a boat", seed: 5, reference_images: ["p"] });
    expect(asCommand(dropped)).toBe("diorama assets export p image-1.png && diorama video --model b:v --video video-1.mp4 --image image-1.png --seed 5 -- 'a boat'");
  });
  it("and so are an edit with its mask and map, and an upscale", () => {
    const edit = { ...OVER, kind: "image", operation: "edit", recipe: { strength: 0.4, parents: [{ role: "image", asset_id: "a" }, { role: "image", asset_id: "b" }, { role: "mask", asset_id: "m" }, { role: "control:canny", asset_id: "c" }] } } as unknown as AssetDetail;
    expect(requestOf(edit)).toMatchObject({ reference_images: ["a", "b"], mask: "m", control_images: { canny: "c" }, strength: 0.4 });
    expect(asCommand(edit)).toBe("diorama assets export a image-1.png && diorama assets export b image-2.png && diorama assets export m mask-1.png && diorama assets export c canny-1.png && diorama edit --model b:v --reference image-2.png --mask mask-1.png --control canny=canny-1.png --seed 5 --strength 0.4 -- image-1.png 'a boat'");
    const larger = { ...OVER, kind: "video", operation: "upscale", prompt: "", seed: null, recipe: { scale: 2, parents: [{ role: "media", asset_id: "v" }] } } as unknown as AssetDetail;
    expect(requestOf(larger)).toEqual({ kind: "upscale", model: "b:v", prompt: "", scale: 2, media: "v" });
    expect(asCommand(larger)).toBe("diorama assets export v media-1.mp4 && diorama upscale --model b:v --scale 2 -- media-1.mp4");
  });
  it("comes back to the bench with its source, and without one takes the last one away", () => {
    expect(fromRecipe(OVER)).toMatchObject({ model: "b:v", strength: 0.25, frames: 9, video: { source: "src", url: "/api/assets/src/file" }, references: [] });
    const plain = fromRecipe({ ...OVER, recipe: {} });
    expect(plain).toHaveProperty("video", undefined);
    expect([OVER, { recipe: {} }, { recipe: { parents: [{ role: "video", asset_id: null }] } }].map(hasLostInput)).toEqual([false, false, true]);
  });
});

describe("recipes", () => {
  it("come back as settings", () => {
    expect(fromRecipe({ ...ASSET, recipe: { ...ASSET.recipe, width: 64, height: 48, parents: [{ role: "image", asset_id: "p" }, { role: "mask", asset_id: "q" }] } })).toMatchObject({ seed: 5, steps: 7, width: 64, references: [{ source: "p" }] });
  });
  it("of others leave out a model that is not here", () => {
    const facts = { source: "a1111", prompt: "p", negative_prompt: "", seed: 1, num_inference_steps: 20, guidance_scale: 7, strength: null, width: null, height: null, model: "sdxl", loras: [{ name: "l", weight: 1, hash: null }], missing: ["model sdxl", "LoRA l"] } as unknown as Facts;
    expect(fromFacts(facts)).not.toHaveProperty("model");
    expect(fromFacts(facts).loras).toEqual([]);
    expect(fromFacts({ ...facts, missing: [] }).model).toBe("sdxl");
  });
});

it("keeps what was typed before the draft was there", () => {
  expect(written({ ...EMPTY_DRAFT, prompt: "early" })).toEqual({ prompt: "early" });
});

it("marks one frame or a range", () => {
  const list = ["a", "b", "c", "d"].map((id) => ({ id }));
  const one = marked(new Set(), list, 1, 1);
  expect([...one]).toEqual(["b"]);
  expect([...marked(one, list, 1, 3)]).toEqual(["b", "c", "d"]);
  expect([...marked(one, list, 1, 1)]).toEqual([]);
});

it("finds ready models first, then those on this machine", () => {
  const of = (id: string, state: string, away: boolean) => ({ id, title: id, family: "", author: "", category: "", tags: [], description: "", availability: { state }, data_leaves_machine: away }) as unknown as ModelSummary;
  expect(findModels([of("x:off", "needs_key", true), of("x:away", "ready", true), of("x:here", "ready", false)], "X").map((model) => model.id)).toEqual(["x:here", "x:away", "x:off"]);
});

describe("masks", () => {
  it("are sent white on black, and say when nothing is painted", () => {
    const pixels = new Uint8ClampedArray([255, 255, 255, 255, 0, 0, 0, 0]);
    expect(toMask(pixels)).toBe(true);
    expect([...pixels]).toEqual([255, 255, 255, 255, 0, 0, 0, 255]);
    expect(toMask(new Uint8ClampedArray(8))).toBe(false);
    fromMask(pixels);
    expect([...pixels]).toEqual([255, 255, 255, 255, 255, 255, 255, 0]);
    invertAlpha(pixels);
    expect([pixels[3], pixels[7]]).toEqual([0, 255]);
  });
});
