import { beforeEach, describe, expect, it } from "vitest";
import type { ModelSummary, Session } from "@/api/client";
import { earlyFetch, forgetEarly } from "@/lib/early";
import { nameOf } from "@/lib/format";
import { spans } from "@/pages/assets/when";
import { chooseModel, chooseRemaker, keptDraft } from "@/pages/image/choose";
import { remedy } from "@/pages/models/words";

describe("spans of days", () => {
  const by = (now: Date) => Object.fromEntries(spans(now).map(({ name, since, until }) => [name, [since, until]]));
  it("begin weeks on Monday, across months and years", () => {
    expect(by(new Date(2026, 10, 30, 16))).toEqual({
      Today: ["2026-11-30", undefined],
      Yesterday: ["2026-11-29", "2026-11-29"],
      "This week": ["2026-11-30", undefined],
      "Last week": ["2026-11-23", "2026-11-29"],
      "Last 30 days": ["2026-11-01", undefined],
    });
    const sunday = by(new Date(2027, 0, 3, 0, 5));
    expect(sunday["This week"]).toEqual(["2026-12-28", undefined]);
    expect(sunday["Last week"]).toEqual(["2026-12-21", "2026-12-27"]);
  });
});

describe("the model of a bench", () => {
  const model = (id: string, more: Partial<ModelSummary> = {}): ModelSummary =>
    ({ id, mode: "generate", operations: ["generate"], availability: { state: "ready" }, data_leaves_machine: false, ...more }) as ModelSummary;
  const away = model("x:away", { data_leaves_machine: true });
  const off = model("x:off", { availability: { state: "needs_download" } as ModelSummary["availability"] });
  const film = model("x:film", { operations: ["video"] });
  const catalog = (...models: ModelSummary[]) => ({ models, default_model: "" });

  it("is the draft's, the person's, the server's, a ready one here, any", () => {
    const all = [off, away, model("x:here"), film];
    const liked = { default_models: { generate: "x:away" } };
    expect(chooseModel(catalog(...all), liked, "image", "x:off")).toBe("x:off");
    expect(chooseModel(catalog(...all), liked, "image", "x:gone")).toBe("x:away");
    expect(chooseModel({ models: all, default_model: "x:off" }, undefined, "image", "")).toBe("x:off");
    expect(chooseModel(catalog(...all), undefined, "image", "")).toBe("x:here");
    expect(chooseModel(catalog(off), undefined, "image", "")).toBe("x:off");
    expect(chooseModel(catalog(...all), undefined, "video", "x:here")).toBe("x:film");
    expect(chooseModel(catalog(film), undefined, "image", "")).toBe("");
  });

  it("for a video that goes in is one that takes it and is ready, the one in use first", () => {
    const over = (id: string, more: Partial<ModelSummary> = {}) => model(id, { operations: ["video"], takes_video: true, ...more });
    const all = [film, over("x:off", { availability: off.availability }), over("x:away", { data_leaves_machine: true }), over("x:over"), over("x:other")];
    expect(chooseRemaker(catalog(...all), undefined, "x:other")).toBe("x:other");
    expect(chooseRemaker(catalog(...all), { default_models: { video: "x:away" } }, "x:film")).toBe("x:away");
    expect(chooseRemaker(catalog(...all), undefined, "x:off")).toBe("x:over");
    expect(chooseRemaker(catalog(film), undefined, "x:film")).toBe("");
  });

  it("comes from this browser's draft before the server's", () => {
    const sessions = [{ id: "s", state: { draft: { model: "x:server" } } }] as unknown as Session[];
    expect(keptDraft("s", sessions)?.model).toBe("x:server");
    localStorage.setItem("diorama.draft.s", JSON.stringify({ model: "x:here" }));
    expect(keptDraft("s", sessions)?.model).toBe("x:here");
    expect(keptDraft("t", sessions)).toBeUndefined();
  });
});

it("calls settings as the bench does", () => {
  expect(["num_inference_steps", "parameters.profile", "clip_skip"].map(nameOf)).toEqual(["steps", "profile", "clip skip"]);
});

it("says what is to be fetched in place of a command, and any other remedy as it is told", () => {
  const of = (state: string, downloadable: boolean, disk_gb: number | null) => ({ availability: { state, fix: "Run it.", url: null }, downloadable, disk_gb }) as unknown as ModelSummary;
  expect(remedy(of("needs_download", true, 2.6))).toBe("About 2.6 GB to fetch.");
  expect(remedy(of("needs_download", true, null))).toBe("To be fetched first.");
  expect(remedy(of("needs_key", true, 2))).toBe("Run it.");
});

describe("answers that were asked for early", () => {
  const asked: string[] = [];
  beforeEach(() => {
    asked.length = 0;
    globalThis.fetch = (request) => {
      asked.push((request as Request).url);
      return Promise.resolve(new Response("late"));
    };
  });
  const get = async (path: string, method = "GET") => (await earlyFetch(new Request(`http://localhost${path}`, { method }))).text();

  it("are taken once, by the same address, for reading only", async () => {
    window.diorama = { early: new Map([["/api/a?x=1", Promise.resolve(new Response("early"))]]) };
    expect(await get("/api/a?x=2")).toBe("late");
    expect(await get("/api/a?x=1", "DELETE")).toBe("late");
    expect(await get("/api/a?x=1")).toBe("early");
    expect(await get("/api/a?x=1")).toBe("late");
    expect(asked.length).toBe(3);
  });

  it("are asked for again when they failed, and grow old", async () => {
    window.diorama = { early: new Map([["/api/a", Promise.reject(new Error("gone"))], ["/api/b", Promise.resolve(new Response("old"))]]) };
    expect(await get("/api/a")).toBe("late");
    forgetEarly();
    expect(await get("/api/b")).toBe("late");
  });
});
