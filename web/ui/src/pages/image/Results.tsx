import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import type { Job } from "@/api/client";
import { queries } from "@/api/queries";
import { useActive } from "@/jobs/hooks";
import { sentenceOf } from "@/api/client";
import type { Bench } from "./bench";
import type { Medium } from "./draft";
import { Examples } from "./Examples";
import { ContactFrame } from "./ContactFrame";
import { Enlarger } from "./Enlarger";

/** What the session made: the newest (or the chosen) job large, all of them as a contact sheet below. */
export function Results({ medium, bench }: { medium: Medium; bench: Bench }) {
  const { sessionId, change } = bench;
  const pages = useInfiniteQuery({ ...queries.jobs({ session_id: sessionId }), enabled: sessionId !== "" });
  const active = useActive();
  const [chosen, setChosen] = useState("");
  const jobs = useMemo(() => {
    const listed = pages.data?.pages.flatMap((page) => page.jobs) ?? [];
    const known = new Set(listed.map((job) => job.job_id));
    const fresh = active.flatMap((live) => (live.job && live.job.session_id === sessionId && !known.has(live.job_id) ? [live.job] : []));
    return [...fresh.reverse(), ...listed];
  }, [pages.data, active, sessionId]);
  const newest = jobs[0]?.job_id;
  useEffect(() => setChosen(""), [newest, sessionId]);
  const shown = jobs.find((job) => job.job_id === chosen) ?? jobs[0];

  if (pages.error) return <p className="wrong" role="alert">{sentenceOf(pages.error)}</p>;
  if (!sessionId || pages.isPending) return <div className="min-h-[50dvh]" aria-busy="true" />;
  if (!shown) return <Examples medium={medium} onPick={(prompt) => { change({ prompt }); document.getElementById("prompt")?.focus(); }} />;
  return (
    <>
      <Enlarger key={shown.job_id} listed={shown} bench={bench} medium={medium} />
      {jobs.length > 1 && (
        <section className="mt-5" aria-label="Contact sheet of this session">
          <h2 className="label mb-2">Contact sheet</h2>
          <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(9.5rem,44%),1fr))] gap-1.5">
            {jobs.map((job) => <ContactFrame key={job.job_id} listed={job} on={job.job_id === shown.job_id} onPick={() => pick(job, setChosen)} />)}
          </ul>
          {pages.hasNextPage && <button type="button" className="button mt-3" disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>Older</button>}
        </section>
      )}
    </>
  );
}

function pick(job: Job, set: (id: string) => void): void {
  set(job.job_id);
  document.getElementById("main")?.scrollIntoView({ block: "start" });
}
