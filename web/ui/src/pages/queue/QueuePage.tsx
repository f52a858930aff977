import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, sentenceOf, take } from "@/api/client";
import { client, queries } from "@/api/queries";
import { useActive } from "@/jobs/hooks";
import { useTitle } from "@/lib/useTitle";
import { Icon } from "@/ui/icons";
import { say } from "@/ui/toasts";
import { HistoryRow } from "./HistoryRow";
import { QueueRow } from "./QueueRow";

const route = getRouteApi("/queue");

/** All work: what runs, what waits and why, what is over. */
export default function QueuePage() {
  useTitle("Queue");
  const active = useActive();
  const { data: queue } = useQuery({ ...queries.queue, refetchInterval: 5000 });
  const running = active.filter((live) => live.status !== "queued");
  const waiting = active.filter((live) => live.status === "queued").sort((a, b) => (a.queue_position ?? 1e9) - (b.queue_position ?? 1e9));
  const [busy, setBusy] = useState(false);
  const toggle = async () => {
    setBusy(true);
    try {
      await take(queue?.paused ? api.POST("/api/queue/resume") : api.POST("/api/queue/pause"));
      await client.invalidateQueries({ queryKey: ["queue"] });
    } catch (error) {
      say(sentenceOf(error), "wrong");
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="page mx-auto max-w-[90rem]">
      <div className="page-head">
        <h1 className="title">Queue</h1>
        {queue && (
          <div className="toolbar">
            <span className="param text-dim">{Object.entries(queue.lanes).map(([name, lane]) => `${name}: ${lane.running} of ${lane.slots}`).join(" · ")}</span>
            <button type="button" className="button" aria-pressed={queue.paused} disabled={busy} onClick={() => void toggle()}><Icon name={queue.paused ? "play" : "pause"} />{queue.paused ? "Go on" : "Pause"}</button>
          </div>
        )}
      </div>
      {queue?.paused && <p className="note mb-3">Paused: what runs goes on, nothing new starts.</p>}
      {active.length === 0 && <p className="hint mb-6">Nothing runs. Nothing waits. What is made on the <Link to="/image" className="text-link">bench</Link>, in the shell and by other programs passes here.</p>}
      {active.length > 0 && <><section aria-label="Running" className="mb-6">
        <h2 className="label">Running</h2>
        {running.length ? <ul className="rows border-t border-line">{running.map((live) => <QueueRow key={live.job_id} id={live.job_id} />)}</ul> : <p className="hint py-2">Nothing runs.</p>}
      </section>
      <section aria-label="Waiting" className="mb-6">
        <h2 className="label">Waiting</h2>
        {waiting.length ? <ol className="rows border-t border-line">{waiting.map((live, index) => <QueueRow key={live.job_id} id={live.job_id} before={waiting[index - 1]?.job_id} after={waiting[index + 1]?.job_id} afterNext={waiting[index + 2]?.job_id} />)}</ol> : <p className="hint py-2">Nothing waits.</p>}
      </section></>}
      <Finished />
    </div>
  );
}

const SHOWN = [[undefined, "All"], ["completed", "Done"], ["failed", "Failed"], ["cancelled", "Cancelled"]] as const;

function Finished() {
  const { show } = route.useSearch();
  const pages = useInfiniteQuery(queries.jobs(show ? { status: show } : {}));
  const jobs = (pages.data?.pages.flatMap((page) => page.jobs) ?? []).filter((job) => ["completed", "failed", "cancelled"].includes(job.status));
  return (
    <section aria-label="Finished">
      <div className="flex flex-wrap items-end justify-between gap-2 border-b border-line">
        <h2 className="label pb-2">Finished</h2>
        <Link to="/logs" search={{}} className="text-link mr-auto ml-3 pb-2">Log of requests</Link>
        <nav className="flex" aria-label="Which finished jobs">
          {SHOWN.map(([word, name]) => <Link key={name} to="/queue" search={word ? { show: word } : {}} className="tab -mb-px" data-on={show === word} activeOptions={{ exact: true, includeSearch: true }}>{name}</Link>)}
        </nav>
      </div>
      {pages.error ? <p className="wrong" role="alert">{sentenceOf(pages.error)}</p> : null}
      {jobs.length ? <ul className="rows">{jobs.map((job) => <HistoryRow key={job.job_id} job={job} />)}</ul> : !pages.isPending && <p className="hint py-2">Nothing yet.</p>}
      {pages.hasNextPage && <button type="button" className="button mt-3" disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>Older</button>}
    </section>
  );
}
