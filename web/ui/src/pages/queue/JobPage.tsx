import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { type Job, sentenceOf } from "@/api/client";
import { queries } from "@/api/queries";
import { cancelJob, useLive } from "@/jobs/hooks";
import { FINAL, moment, money, nameOf, numbersOf, plain, seconds, STATUS_WORDS } from "@/lib/format";
import { madeBy } from "@/lib/made";
import { useTitle } from "@/lib/useTitle";
import { altOf, Picture } from "@/ui/Picture";
import { say } from "@/ui/toasts";
import { JobNotes } from "../image/JobNotes";
import { again } from "../image/submit";
import { useNoCharge } from "../models/useReady";

/** One job: where it is, what it was asked, what came of it. */
export default function JobPage() {
  const { id = "" } = useParams({ strict: false });
  const { data, error } = useQuery(queries.job(id));
  const live = useLive(id);
  useTitle("Job");
  if (error) return <p className="page wrong" role="alert">{sentenceOf(error)}</p>;
  if (!data) return <div className="min-h-[70dvh]" aria-busy="true" />;
  const job = live?.job && FINAL.has(live.job.status) ? live.job : data;
  const status = live?.status ?? job.status;
  const done = FINAL.has(status);
  return (
    <div className="page mx-auto max-w-[80rem]">
      <div className="page-head">
        <h1 className="title">{STATUS_WORDS[status]}{done ? "" : `, ${Math.floor(live?.progress ?? job.progress)}%`}</h1>
        <div className="toolbar">
          {job.session_id && <Link to={job.kind === "video" ? "/video" : "/image"} search={{ session: job.session_id }} className="button">Its session</Link>}
          {done ? <button type="button" className="button" onClick={() => again(job).then(() => say("It is in the queue again.")).catch((problem: unknown) => say(sentenceOf(problem), "wrong"))}>Run again</button> : <button type="button" className="button" disabled={live?.stopping} onClick={() => void cancelJob(id)}>{live?.stopping ? "Cancelling" : "Cancel"}</button>}
        </div>
      </div>
      {!done && <><div className="exposure mb-2" role="progressbar" aria-label="Progress" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(live?.progress ?? 0)}><span style={{ transform: `scaleX(${(live?.progress ?? 0) / 100})` }} /></div><p className="param mb-3">{numbersOf(live ?? job)}</p></>}
      {job.prompt && <p className="mb-3 max-w-prose text-[1.05rem] whitespace-pre-wrap">{job.prompt}</p>}
      <JobNotes job={job} error={live?.error ?? job.error} />
      {!done && live?.preview && <img src={live.preview} alt="Unfinished picture" className="my-3 max-h-[50dvh] bg-film" />}
      <Outcome job={job} />
      <JobFacts job={job} />
    </div>
  );
}

function Outcome({ job }: { job: Job }) {
  const made = madeBy(job);
  if (!made.length) return null;
  return (
    <ul className="my-4 grid grid-cols-[repeat(auto-fill,minmax(min(14rem,100%),1fr))] gap-1.5">
      {made.map((item) => (
        <li key={item.id} className="frame on-film">
          <Link to={item.to} params={{ id: item.id }} className="picture aspect-square"><Picture src={item.thumbnail_url} alt={altOf(job.prompt)} width={item.width} height={item.height} placeholder={item.placeholder} /></Link>
          <span className="edge"><span className="number">{item.seed ?? "–"}</span><span className="number">{item.extent}</span></span>
        </li>
      ))}
    </ul>
  );
}

function JobFacts({ job }: { job: Job }) {
  const free = useNoCharge(job.model);
  const rows: [string, string][] = [
    ["Kind", job.kind],
    ...Object.entries(job.applied).filter(([name]) => !["prompt", "model"].includes(name)).map(([name, value]) => [nameOf(name), plain(value)] as [string, string]),
    ["Sent", moment(job.created_at)],
    ...(job.started_at ? [["Started", moment(job.started_at)] as [string, string]] : []),
    ...Object.entries(job.timings).map(([name, value]) => [`${name.replaceAll("_", " ")} took`, seconds(value)] as [string, string]),
    ...(job.cost ? [["Cost", `${job.cost.estimated ? "about " : ""}${money(job.cost.amount, job.cost.currency)}`] as [string, string]] : free ? [["Cost", free] as [string, string]] : []),
    ["Attempt", String(job.attempt)],
    ["Id", job.job_id],
  ];
  return (
    <dl className="facts max-w-3xl">
      <dt>Model</dt><dd><Link to="/model/$" params={{ _splat: job.model }} className="text-link">{job.model}</Link></dd>
      {rows.map(([name, value], index) => [<dt key={`${index}-name`}>{name}</dt>, <dd key={index}>{value}</dd>])}
      {job.retry_of && [<dt key="retry-name">Again of</dt>, <dd key="retry"><Link to="/job/$id" params={{ id: job.retry_of }} className="text-link">{job.retry_of.slice(-8)}</Link></dd>]}
    </dl>
  );
}
