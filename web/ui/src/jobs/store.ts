// All jobs that move, as the server tells of them: one event stream for the page, one small record per job.
import type { Job, JobStatus } from "@/api/client";
import { FINAL } from "@/lib/format";

export interface Live extends JobStatus {
  held?: boolean;
  /** Newest unfinished picture, as a data URL. */
  preview?: string;
  /** The whole job, once it was read. */
  job?: Job;
  /** Cancelling was asked for and the job has not ended yet. */
  stopping?: boolean;
}

type Listener = () => void;

const EMPTY: Omit<Live, "job_id"> = {
  status: "queued", progress: 0, message: "", numbers: {}, eta_seconds: null, queue_position: null, wait_reason: null, error: null,
};

/** Live jobs by id. Listeners of one job hear of that job; listeners of all hear when a job comes, ends or changes its stage. */
export class JobStore {
  private readonly jobs = new Map<string, Live>();
  private readonly byJob = new Map<string, Set<Listener>>();
  private readonly ofAll = new Set<Listener>();
  private list: readonly Live[] = [];
  private ended: (job: Job) => void = () => undefined;

  whenEnded(action: (job: Job) => void): void {
    this.ended = action;
  }

  get(id: string): Live | undefined {
    return this.jobs.get(id);
  }

  /** Jobs that are not final, oldest first. The same array until something changes. */
  active = (): readonly Live[] => this.list;

  subscribe = (listener: Listener): (() => void) => {
    this.ofAll.add(listener);
    return () => this.ofAll.delete(listener);
  };

  subscribeTo(id: string, listener: Listener): () => void {
    const listeners = this.byJob.get(id) ?? new Set();
    this.byJob.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (!listeners.size) this.byJob.delete(id);
    };
  }

  /** Takes a progress report; progress never goes back. */
  moved(report: Partial<JobStatus> & { job_id: string; held?: boolean }): void {
    const old = this.jobs.get(report.job_id);
    if (old && FINAL.has(old.status)) return;
    const next: Live = { ...EMPTY, ...old, ...report };
    if (old) next.progress = Math.max(old.progress, next.progress);
    this.put(next);
  }

  /** Takes a whole job. What is final stays so: an answer that was asked for earlier may come after the event of the end. */
  whole(job: Job): void {
    const old = this.jobs.get(job.job_id);
    const wasFinal = old !== undefined && FINAL.has(old.status);
    if (wasFinal && !FINAL.has(job.status)) return;
    const next: Live = { ...old, ...pick(job), job };
    if (FINAL.has(job.status)) {
      delete next.preview;
      delete next.stopping;
    }
    this.put(next);
    if (FINAL.has(job.status) && old && !wasFinal) this.ended(job);
  }

  preview(id: string, url: string): void {
    const old = this.jobs.get(id);
    if (old && !FINAL.has(old.status)) this.put({ ...old, preview: url });
  }

  stopping(id: string): void {
    const old = this.jobs.get(id);
    if (old && !FINAL.has(old.status)) this.put({ ...old, stopping: true });
  }

  /** Takes the server's list of unfinished jobs; returns ids that were running here and are not in it. */
  snapshot(jobs: readonly Job[]): string[] {
    for (const job of jobs) this.whole(job);
    const known = new Set(jobs.map((job) => job.job_id));
    return this.list.map((live) => live.job_id).filter((id) => !known.has(id));
  }

  forget(id: string): void {
    if (this.jobs.delete(id)) this.changed(id, true);
  }

  private put(next: Live): void {
    const old = this.jobs.get(next.job_id);
    this.jobs.set(next.job_id, next);
    const moved = !old || old.status !== next.status || old.job !== next.job || old.held !== next.held || old.stopping !== next.stopping;
    this.changed(next.job_id, moved);
  }

  private changed(id: string, stage: boolean): void {
    for (const listener of this.byJob.get(id) ?? []) listener();
    if (!stage) return;
    this.list = [...this.jobs.values()].filter((live) => !FINAL.has(live.status)).sort((a, b) => (a.job_id < b.job_id ? -1 : 1));
    for (const listener of this.ofAll) listener();
  }
}

function pick(job: Job): Live {
  const { job_id, status, progress, message, numbers, eta_seconds, queue_position, wait_reason, error, held } = job;
  return { job_id, status, progress, message, numbers, eta_seconds, queue_position, wait_reason, error, held };
}

export const jobStore = new JobStore();
