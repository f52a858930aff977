// The event stream of all jobs. It is closed while the page is hidden, because browsers allow few connections to a server,
// and after every gap the list of unfinished jobs is read anew, so that no job is lost from view.
import { api, take, type Job } from "@/api/client";
import { refreshAfterJob } from "@/api/queries";
import { type JobStore, jobStore } from "./store";

type Told = { job_id: string } & Record<string, unknown>;
const RETRY = 2000;
const FIRST = 3000;

export type Link = "connecting" | "open" | "lost";
let link: Link = "connecting";
const linkListeners = new Set<() => void>();

export const linkState = (): Link => link;
export function onLink(listener: () => void): () => void {
  linkListeners.add(listener);
  return () => linkListeners.delete(listener);
}
function setLink(next: Link): void {
  if (next === link) return;
  link = next;
  for (const listener of linkListeners) listener();
}

/** Follows all jobs until the returned function is called. */
export function followJobs(store: JobStore = jobStore): () => void {
  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let settled: ReturnType<typeof setTimeout> | undefined;
  let opened = false;
  const wanted = new Map<string, ReturnType<typeof setTimeout>>();

  const readJob = async (id: string): Promise<void> => {
    wanted.delete(id);
    try {
      store.whole(await take(api.GET("/api/jobs/{job_id}", { params: { path: { job_id: id } } })));
    } catch (error) {
      if ((error as { status?: number }).status === 404) store.forget(id);
    }
  };
  const readSoon = (id: string): void => {
    if (!wanted.has(id)) wanted.set(id, setTimeout(() => void readJob(id), 60));
  };
  const readAll = async (): Promise<void> => {
    const page = await take(api.GET("/api/queue/jobs", { params: { query: { limit: 200 } } }));
    for (const id of store.snapshot(page.jobs)) readSoon(id);
  };

  const on = (name: string, act: (data: Told) => void): void => {
    source?.addEventListener(name, (event) => act(JSON.parse((event as MessageEvent<string>).data) as Told));
  };
  const open = (): void => {
    clearTimeout(retry);
    source?.close();
    source = new EventSource("/api/events");
    source.onopen = () => {
      setLink("open");
      readAll().catch(() => undefined);
      if (opened) refreshAfterJob();
      else settled = setTimeout(refreshAfterJob, FIRST); // lists were read just before: a job may have ended between
      opened = true;
    };
    source.onerror = () => {
      setLink("lost");
      if (source?.readyState === EventSource.CLOSED) retry = setTimeout(open, RETRY);
    };
    on("queue", (data) => {
      store.moved(data);
      if (!store.get(data.job_id)?.job) readSoon(data.job_id);
    });
    on("progress", (data) => {
      store.moved(data);
      if (!store.get(data.job_id)?.job) readSoon(data.job_id);
    });
    on("preview", (data) => store.preview(data.job_id, `data:${String(data.mime)};base64,${String(data.data)}`));
    on("status", (data) => store.whole(data as unknown as Job));
  };
  const close = (): void => {
    clearTimeout(retry);
    source?.close();
    source = undefined;
  };
  const seen = (): void => (document.hidden ? close() : open());

  store.whenEnded(refreshAfterJob);
  document.addEventListener("visibilitychange", seen);
  if (!document.hidden) open();
  return () => {
    document.removeEventListener("visibilitychange", seen);
    for (const timer of wanted.values()) clearTimeout(timer);
    clearTimeout(settled);
    close();
  };
}
