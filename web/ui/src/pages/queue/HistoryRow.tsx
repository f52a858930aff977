import { Link } from "@tanstack/react-router";
import { api, type Job, sentenceOf, take } from "@/api/client";
import { client } from "@/api/queries";
import { money, moment, ranFor, seconds, STATUS_WORDS } from "@/lib/format";
import { madeBy } from "@/lib/made";
import { Icon } from "@/ui/icons";
import { meanColour } from "@/ui/placeholders";
import { say } from "@/ui/toasts";
import { again } from "../image/submit";

const complain = (error: unknown) => say(sentenceOf(error), "wrong");

/** A job that is over. */
export function HistoryRow({ job }: { job: Job }) {
  const picture = madeBy(job)[0];
  const ran = ranFor(job);
  const forget = async () => {
    await take(api.DELETE("/api/jobs/{job_id}", { params: { path: { job_id: job.job_id } } }));
    await client.invalidateQueries({ queryKey: ["jobs"] });
  };
  return (
    <li className="flex items-center gap-3 py-2">
      <Link to="/job/$id" params={{ id: job.job_id }} className="grid size-14 flex-none place-items-center overflow-hidden bg-film" tabIndex={-1} aria-hidden="true">
        {picture && <img src={picture.thumbnail_url} alt="" className="max-h-14 object-contain" loading="lazy" style={{ backgroundColor: meanColour(picture.placeholder) }} />}
      </Link>
      <div className="min-w-0 flex-1">
        <Link to="/job/$id" params={{ id: job.job_id }} className="block truncate no-underline hover:text-mark">{job.prompt || `${job.kind} with ${job.model}`}</Link>
        <p className="param truncate text-dim">{[job.kind, job.model, moment(job.created_at), ran === null ? "" : seconds(ran), job.cost ? money(job.cost.amount, job.cost.currency) : ""].filter(Boolean).join(" · ")}</p>
        {job.error && <p className="wrong line-clamp-2">{job.error.message} {job.error.fix}</p>}
      </div>
      <span className={`label max-sm:hidden ${job.status === "failed" ? "!text-mark" : ""}`}>{STATUS_WORDS[job.status]}</span>
      <div className="flex gap-1">
        <button type="button" className="button square" aria-label="Run again" title="Run again" onClick={() => again(job).catch(complain)}><Icon name="again" /></button>
        <button type="button" className="button bare square" aria-label="Forget this job" title="Forget this job; its pictures stay" onClick={() => forget().catch(complain)}><Icon name="close" /></button>
      </div>
    </li>
  );
}
