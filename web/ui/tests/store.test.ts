import { describe, expect, it, vi } from "vitest";
import type { Job } from "@/api/client";
import { JobStore } from "@/jobs/store";

const job = (id: string, status: Job["status"], more: Partial<Job> = {}): Job =>
  ({ job_id: id, status, progress: 0, message: "", numbers: {}, eta_seconds: null, queue_position: null, wait_reason: null, error: null, held: false, images: [], ...more }) as unknown as Job;

describe("the store of jobs", () => {
  it("tells a job's listeners of progress, and all listeners only of stages", () => {
    const store = new JobStore();
    const one = vi.fn();
    const all = vi.fn();
    store.subscribeTo("a", one);
    store.subscribe(all);
    store.whole(job("a", "generating"));
    const stages = all.mock.calls.length;
    store.moved({ job_id: "a", status: "generating", progress: 10 });
    store.moved({ job_id: "a", status: "generating", progress: 20 });
    expect(one).toHaveBeenCalledTimes(3);
    expect(all).toHaveBeenCalledTimes(stages);
    expect(store.get("a")?.progress).toBe(20);
  });
  it("never goes back, and a final job stays final", () => {
    const store = new JobStore();
    store.whole(job("a", "generating", { progress: 50 }));
    store.moved({ job_id: "a", progress: 10 });
    expect(store.get("a")?.progress).toBe(50);
    store.whole(job("a", "completed", { progress: 100 }));
    store.moved({ job_id: "a", status: "generating", progress: 60 });
    store.whole(job("a", "saving", { progress: 10 })); // an answer that was on its way when the end was told
    expect(store.get("a")?.status).toBe("completed");
    expect(store.active()).toEqual([]);
  });
  it("says once when a job ends that ran here, and drops its preview", () => {
    const store = new JobStore();
    const ended = vi.fn();
    store.whenEnded(ended);
    store.whole(job("old", "completed"));
    expect(ended).not.toHaveBeenCalled();
    store.whole(job("a", "generating"));
    store.preview("a", "data:x");
    store.whole(job("a", "completed"));
    store.whole(job("a", "completed"));
    expect(ended).toHaveBeenCalledTimes(1);
    expect(store.get("a")?.preview).toBeUndefined();
  });
  it("finds after a gap what the server no longer runs", () => {
    const store = new JobStore();
    store.whole(job("a", "generating"));
    store.whole(job("b", "queued"));
    expect(store.snapshot([job("b", "generating"), job("c", "queued")])).toEqual(["a"]);
    expect(store.active().map((live) => live.job_id)).toEqual(["a", "b", "c"]);
    store.forget("a");
    expect(store.active().map((live) => live.job_id)).toEqual(["b", "c"]);
  });
  it("gives the same list until something changes", () => {
    const store = new JobStore();
    store.whole(job("a", "generating"));
    const list = store.active();
    store.moved({ job_id: "a", status: "generating", progress: 5 });
    expect(store.active()).toBe(list);
  });
});
