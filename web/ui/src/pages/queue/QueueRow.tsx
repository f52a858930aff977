import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, sentenceOf, take } from "@/api/client";
import { cancelJob, useLive } from "@/jobs/hooks";
import { jobStore } from "@/jobs/store";
import { numbersOf, STATUS_WORDS } from "@/lib/format";
import { Icon } from "@/ui/icons";
import { say } from "@/ui/toasts";

interface Props {
  id: string;
  before?: string | undefined;
  after?: string | undefined;
  afterNext?: string | undefined;
}

const one = (id: string) => ({ params: { path: { job_id: id } } });

/** A job that runs or waits, with what can be done about it. */
export function QueueRow({ id, before, after, afterNext }: Props) {
  const live = useLive(id);
  const [busy, setBusy] = useState(false);
  if (!live) return null;
  const job = live.job;
  const waits = live.status === "queued";
  const run = (work: () => Promise<unknown>) => async () => {
    setBusy(true);
    try {
      await work();
      const page = await take(api.GET("/api/queue/jobs", { params: { query: { limit: 200 } } }));
      jobStore.snapshot(page.jobs);
    } catch (error) {
      say(sentenceOf(error), "wrong");
    } finally {
      setBusy(false);
    }
  };
  const move = (place: string) => take(api.POST("/api/jobs/{job_id}/move", { ...one(id), body: { before: place } }));
  const down = () => (afterNext ? move(afterNext) : after ? take(api.POST("/api/jobs/{job_id}/move", { ...one(after), body: { before: id } })) : Promise.resolve());
  return (
    <li className="grid gap-x-4 gap-y-1 py-2.5 sm:grid-cols-[minmax(0,1fr)_auto]">
      <div className="min-w-0">
        <Link to="/job/$id" params={{ id }} className="block truncate text-[1.02rem] no-underline hover:text-mark">{job?.prompt || (job ? `${job.kind} with ${job.model}` : id)}</Link>
        <p className="param truncate text-dim">{job?.kind} · {job?.model}</p>
        <p className="param">{[live.stopping ? "Cancelling" : live.held ? "Held back" : STATUS_WORDS[live.status], waits ? "" : `${Math.floor(live.progress)}%`, numbersOf(live)].filter(Boolean).join(" · ")}</p>
        {!waits && <div className="exposure mt-1" role="progressbar" aria-label="Progress" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(live.progress)}><span style={{ transform: `scaleX(${live.progress / 100})` }} /></div>}
      </div>
      <div className="flex items-center gap-1">
        {waits && (
          <>
            <button type="button" className="button square" aria-label="Earlier" disabled={busy || !before} onClick={run(() => move(before ?? ""))}><Icon name="up" /></button>
            <button type="button" className="button square" aria-label="Later" disabled={busy || !after} onClick={run(down)}><Icon name="fall" /></button>
            <button type="button" className="button square" aria-label={live.held ? "Let it go on" : "Hold it back"} aria-pressed={live.held ?? false} disabled={busy} onClick={run(() => take(live.held ? api.POST("/api/jobs/{job_id}/release", one(id)) : api.POST("/api/jobs/{job_id}/hold", one(id))))}><Icon name={live.held ? "play" : "pause"} /></button>
          </>
        )}
        <button type="button" className="button" disabled={live.stopping} onClick={() => void cancelJob(id)}>Cancel</button>
      </div>
    </li>
  );
}
