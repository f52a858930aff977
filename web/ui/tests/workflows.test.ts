import { describe, expect, it } from "vitest";
import { arranged, blamed, controlOf, fitted, formOf, hasOwn, hindrance, labelOf, lacking, packageUrl, paired, type Parameter, passed, scaleOf, toRun, type Workflow } from "@/pages/workflows/form";
import { carriesWorkflow, mayBeWorkflow } from "@/pages/workflows/carries";

const parameter = (name: string, more: Partial<Parameter> = {}): Parameter => ({
  name, label: name, role: name, group: "main", section: null, hidden: false, type: "int", default: 1, minimum: null, maximum: null, step: null, choices: null,
  multiline: false, upload: null, tooltip: null, control: null, targets: [["1", name]], ...more,
});
const image = (name: string, more: Partial<Parameter> = {}) => parameter(name, { role: "image", type: "combo", upload: "image", choices: ["here.png"], default: "gone.png", ...more });
const sound = (more: Partial<Parameter> = {}) => parameter("audio", { role: "audio", upload: "audio", type: "combo", choices: ["a.mp3", "b.mp3"], default: "gone.mp3", ...more });
const given = (source: string) => ({ source, url: source, name: source });

describe("the control of a parameter", () => {
  it("follows type and meaning", () => {
    expect(controlOf(image("image"))).toBe("media");
    expect(controlOf(sound())).toBe("media");
    expect(controlOf(parameter("file", { role: "file", upload: "file", type: "combo", choices: ["a.glb"] }))).toBe("choice");
    expect(controlOf(parameter("seed"))).toBe("seed");
    expect(controlOf(parameter("prompt", { type: "string" }))).toBe("long");
    expect(controlOf(parameter("text", { type: "string", multiline: true }))).toBe("long");
    expect(controlOf(parameter("filename_prefix", { type: "string", role: "other" }))).toBe("text");
    expect(controlOf(parameter("tiling", { type: "boolean" }))).toBe("switch");
    expect(controlOf(parameter("shade", { type: "color" }))).toBe("colour");
  });
  it("has a slider over what people use, and takes what the server allows", () => {
    const steps = scaleOf(parameter("steps", { role: "num_inference_steps", minimum: 1, maximum: 10_000 }), 20);
    expect([steps.low, steps.high]).toEqual([1, 60]);
    expect(fitted("400", steps)).toBe(400);
    expect(fitted("99999", steps)).toBe(10_000);
    expect(fitted("", steps)).toBeUndefined();
    expect(fitted("many", steps)).toBeUndefined();
    expect(scaleOf(parameter("steps", { role: "num_inference_steps", minimum: 1, maximum: 10_000 }), 200).high).toBe(200);
    expect(scaleOf(parameter("noise", { role: "other", minimum: 0, maximum: "18446744073709551615" }), 5).low).toBeUndefined();
    expect(scaleOf(parameter("free", { role: "other" }), 5).low).toBeUndefined();
    expect(fitted("513", scaleOf(parameter("width", { minimum: 16, maximum: 16_384, step: 8 }), 512))).toBe(512);
    expect(fitted("0.123456789", scaleOf(parameter("cfg", { type: "float", minimum: 0, maximum: 1, step: 0.01 }), 0))).toBe(0.123457);
  });
});

describe("the form", () => {
  it("puts the important ones in front and the rest under their sections", () => {
    const form = formOf([parameter("a"), parameter("b", { group: "advanced", section: "Sampler" }), parameter("c", { hidden: true }), parameter("d", { group: "advanced" })]);
    expect(form.main.map((item) => item.name)).toEqual(["a"]);
    expect(form.advanced.map(([section, items]) => [section, items.map((item) => item.name)])).toEqual([["Sampler", ["b"]], ["Other", ["d"]]]);
    expect(form.count).toBe(2);
  });
  it("shows width and height as one", () => {
    const both = paired([parameter("prompt"), parameter("height"), parameter("width")]);
    expect(both).toHaveLength(2);
    expect((both[1] as Parameter[]).map((item) => item.name)).toEqual(["width", "height"]);
    expect(paired([parameter("width")])).toHaveLength(1);
  });
});

describe("a run", () => {
  it("sends what was changed, and pictures in their order", () => {
    const parameters = [parameter("prompt", { type: "string", default: "a" }), parameter("steps"), parameter("seed", { default: 9 }), image("image"), image("image_2"), parameter("mask", { role: "mask", upload: "image", type: "combo" })];
    expect(toRun(parameters, { prompt: "a", steps: 4 })).toEqual({ steps: 4 });
    expect(toRun(parameters, { seed: 9 })).toEqual({ seed: 9 }); // a kept seed is asked for, also when it is the workflow's
    expect(toRun(parameters, { image_2: given("two"), image: given("one"), mask: given("m") })).toEqual({ images: ["one", "two"], mask: "m" });
    expect(toRun([image("image")], { image: given("one"), mask: given("painted") })).toEqual({ images: ["one"], mask: "painted" });
  });
  it("sends a sound under its own name: a file that goes in, or another one that the server has", () => {
    expect(toRun([sound()], { audio: given("data:audio/mpeg;base64,x") })).toEqual({ audio: "data:audio/mpeg;base64,x" });
    expect(toRun([sound()], { audio: "b.mp3" })).toEqual({ audio: "b.mp3" });
    expect(toRun([sound({ default: "a.mp3" })], { audio: "a.mp3" })).toEqual({});
    expect(lacking([sound()], {})).toMatchObject({ name: "audio", text: "Choose a sound for “audio”." });
    expect([lacking([sound()], { audio: "b.mp3" }), lacking([sound()], { audio: given("x") }), lacking([sound({ default: "a.mp3" })], {})]).toEqual([null, null, null]);
    expect(blamed("parameters.sounds", [sound()])).toBe("audio");
  });
  it("says which picture is lacking", () => {
    const [first, second] = [image("image"), image("image_2")];
    expect(lacking([first, second], {})).toMatchObject({ name: "image" });
    expect(lacking([first, second], { image: given("x") })).toMatchObject({ name: "image_2" });
    expect(lacking([first, second], { image: given("x"), image_2: given("y") })).toBeNull();
    const own = image("image", { default: "here.png" });
    expect(hasOwn(own)).toBe(true);
    expect(lacking([own], {})).toBeNull();
    expect(lacking([own, second], { image_2: given("y") })).toMatchObject({ name: "image" });
    expect(lacking([parameter("video", { role: "video", upload: "video", type: "combo", choices: [] })], {})).toMatchObject({ name: "video" });
  });
  it("is hindered by what is missing until something else is chosen", () => {
    const file = { name: "gone.safetensors", directory: null, url: null, sha256: null, node: "4", input: "ckpt_name" };
    const model = parameter("model", { type: "combo", choices: ["here.safetensors"], default: "gone.safetensors", targets: [["4", "ckpt_name"]] });
    const workflow = { reason: null, missing_nodes: [], missing_files: [file], parameters: [model] } as unknown as Workflow;
    expect(hindrance(workflow, {})).toContain("gone.safetensors");
    expect(hindrance(workflow, { model: "here.safetensors" })).toBe("");
    expect(hindrance({ ...workflow, missing_nodes: [{ class_type: "Wonder", nodes: ["8"], package: null }] }, { model: "here.safetensors" })).toContain("Wonder");
    expect(hindrance({ ...workflow, reason: "It has no output." }, {})).toBe("It has no output.");
  });
  it("names the nodes it came through once each", () => {
    expect(passed([], undefined)).toEqual([]);
    expect(passed(["Load"], "Load")).toEqual(["Load"]);
    expect(passed(["Load"], "Sample")).toEqual(["Load", "Sample"]);
  });
});

it("finds the parameter that an error is about", () => {
  const parameters = [parameter("steps"), image("image"), parameter("width"), parameter("hid", { hidden: true })];
  expect(blamed("parameters.steps", parameters)).toBe("steps");
  expect(blamed("images[0]", parameters)).toBe("image");
  expect(blamed("media", parameters)).toBe("image");
  expect(blamed("size", parameters)).toBe("width");
  expect(blamed("parameters.hid", parameters)).toBeNull();
  expect(blamed(null, parameters)).toBeNull();
});

it("keeps of an arrangement only what differs", () => {
  const once = arranged({}, "steps", { label: "Rounds" });
  expect(once).toEqual({ steps: { label: "Rounds" } });
  expect(arranged(once, "steps", { hidden: true })).toEqual({ steps: { label: "Rounds", hidden: true } });
  expect(arranged(once, "steps", { label: undefined })).toEqual({});
});

it("leads to packages only at places that are known", () => {
  expect(packageUrl("someone/nodes")).toBe("https://github.com/someone/nodes");
  expect(packageUrl("comfyui-kjnodes")).toBe("https://registry.comfy.org/nodes/comfyui-kjnodes");
  expect(packageUrl("javascript:alert(1)")).toBeNull();
  expect(packageUrl("comfy-core")).toBeNull();
});

it("knows what may be a workflow", () => {
  expect(carriesWorkflow({ raw: { workflow: '{"nodes":[]}' } })).toBe(true);
  expect(carriesWorkflow({ raw: { prompt: ' {"1":{}}' } })).toBe(true);
  expect(carriesWorkflow({ raw: { prompt: "a red ball" } })).toBe(false);
  expect(mayBeWorkflow({ name: "x.JSON", type: "" })).toBe(true);
  expect(mayBeWorkflow({ name: "x.mp4", type: "video/mp4" })).toBe(true);
  expect(mayBeWorkflow({ name: "x.flac", type: "audio/flac" })).toBe(true);
  expect(mayBeWorkflow({ name: "x.txt", type: "text/plain" })).toBe(false);
});

it("reads labels of files as words", () => {
  expect(labelOf({ label: "noise_seed", role: "seed" })).toBe("noise seed");
  expect(labelOf({ label: "Ckpt name", role: "model" })).toBe("Model");
  expect(labelOf({ label: "Ckpt name", role: "other" })).toBe("Ckpt name");
});
