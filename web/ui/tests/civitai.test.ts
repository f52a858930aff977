import { renderToStaticMarkup } from "react-dom/server";
import { createElement, Fragment } from "react";
import { describe, expect, it } from "vitest";
import { aboutKey, count, downloadOf, type File, fileWords, here, licence, meanColour, previewUrl } from "@/pages/civitai/facts";
import { readModelSearch, readSearch, toQuery } from "@/pages/civitai/search";
import { read } from "@/pages/civitai/Prose";

describe("the address", () => {
  it("drops what it does not know", () => {
    expect(readSearch({ q: "ink", kind: "Everything", sort: "Worst", period: "Week", nsfw: "yes", evil: 1 })).toEqual({ q: "ink", period: "Week" });
    expect(readSearch({ nsfw: true, kind: "LoRA", base: "SDXL 1.0" })).toEqual({ nsfw: true, kind: "LoRA", base: "SDXL 1.0" });
    expect(readModelSearch({ version: "12", nsfw: "true" })).toEqual({ version: 12, nsfw: true });
    expect(readModelSearch({ version: "x" })).toEqual({});
  });
  it("asks the server for every kind that people call so", () => {
    expect(toQuery({ kind: "LoRA", q: "ink", base: "Pony" })).toEqual({ query: "ink", types: ["LORA", "LoCon", "DoRA"], base_models: ["Pony"] });
    expect(toQuery({})).toEqual({});
    expect(toQuery({ nsfw: true })).toEqual({ nsfw: true });
  });
});

describe("facts", () => {
  it("previews come from our own server, whatever their address", () => {
    expect(previewUrl("https://image.civitai.com/a b?x=1&y=2", "card")).toBe("/api/civitai/preview?url=https%3A%2F%2Fimage.civitai.com%2Fa%20b%3Fx%3D1%26y%3D2&size=card");
  });
  it("the mean colour of a BlurHash", () => {
    expect(meanColour("LEHV6nWB2yk8pyo0adR*.7kCMdnj")).toMatch(/^rgb\(\d+ \d+ \d+\)$/);
    expect(meanColour("00TSUA")).toBe("rgb(255 255 255)");
    expect(meanColour("short")).toBeNull();
    expect(meanColour("00 bad hash")).toBeNull();
    expect(meanColour(null)).toBeNull();
  });
  it("what may be done, and what nobody told", () => {
    const terms = licence({ credit_required: true, commercial_use: ["Image", "Sell"], derivatives: false, different_license: null, sell_images: true });
    expect(terms.map(([, may]) => may)).toEqual([false, true, false, null]);
    expect(terms[1]?.[2]).toBe("selling pictures, selling the model");
    expect(licence({ credit_required: null, commercial_use: ["None"], derivatives: null, different_license: null, sell_images: null })[1]?.[2]).toBe("not allowed");
    expect(licence({ credit_required: null, commercial_use: null, derivatives: null, different_license: null, sell_images: null })[1]?.[2]).toBe("not told");
  });
  it("files and counts in few words", () => {
    const file = { type: "Model", format: "SafeTensor", precision: "fp16", variant: "pruned" } as File;
    expect(fileWords(file)).toBe("safetensors, fp16, pruned");
    expect(fileWords({ ...file, type: "VAE", format: "PickleTensor", precision: null, variant: null })).toBe("VAE, pickle");
    expect(count(83_021)).toBe("83K");
  });
  it("what needs a key", () => {
    expect(aboutKey({ message: "The creator wants people to be logged in." })).toBe(true);
    expect(aboutKey({ message: "It is refused.", fix: "Set the API key." })).toBe(true);
    expect(aboutKey({ message: "The monkey is gone." })).toBe(false);
    expect(aboutKey(null)).toBe(false);
  });
});

describe("what a download became", () => {
  const models = [{ id: "local:tiny-10-100", title: "Tiny", backend: "local" }, { id: "away:tiny-20-200", title: "Other", backend: "away" }];
  const loras = [{ id: "thick-20-200", title: "Thick", triggers: ["oil"], weight: 0.8 }];
  it("is found by version and file", () => {
    expect(here(10, 100, models, loras)).toMatchObject({ kind: "model", id: "local:tiny-10-100" });
    expect(here(20, 200, models, loras)).toMatchObject({ kind: "lora", weight: 0.8 });
    expect(here(10, 10, models, loras)).toBeNull();
  });
  it("is named by its job", () => {
    expect(downloadOf({ model: "civitai:10/100" })).toEqual({ version: 10, file: 100 });
    expect(downloadOf({ model: "civitai:10" })).toEqual({ version: 10, file: null });
    expect(downloadOf({ model: "local:x" })).toBeNull();
  });
});

it("takes over words of others and nothing that runs or loads", () => {
  const shown = (html: string) => renderToStaticMarkup(createElement(Fragment, null, ...read(html)));
  expect(shown("<p onclick=x()>Paints <b>thickly</b>.</p><h1>Big</h1>")).toBe("<p>Paints <b>thickly</b>.</p><h3>Big</h3>");
  expect(shown("<script>steal()</script><img src=x onerror=steal()><iframe src=//x></iframe><svg onload=x()><style>a{}</style>")).toBe("");
  expect(shown('<a href="javascript:steal()">here</a><a href="https://x.test/" onclick=x()>there</a>')).toBe('here<a href="https://x.test/" target="_blank" rel="noopener noreferrer nofollow">there</a>');
  expect(shown('<p style="position:fixed">still</p><form action=x><input></form>')).toBe("<p>still</p>");
});
