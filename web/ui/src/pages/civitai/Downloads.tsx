import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { type Job, sentenceOf } from "@/api/client";
import { queries } from "@/api/queries";
import { useLive } from "@/jobs/hooks";
import { FINAL, numbersOf, STATUS_WORDS } from "@/lib/format";
import { Icon } from "@/ui/icons";
import { say } from "@/ui/toasts";
import { handOver } from "../image/handover";
import { civitai, download, endDownload, lookAnew } from "./queries";
import { aboutKey, downloadOf, type Here, here } from "./facts";

const complain = (error: unknown) => say(sentenceOf(error), "wrong");

/** What is fetched, was stopped, or came; the newest first. */
export function Downloads() {
  const jobs = useQuery(civitai.downloads).data?.jobs ?? [];
  const newest = jobs.filter((job, index) => jobs.findIndex((other) => other.model === job.model) === index);
  if (!newest.length) return null;
  return (
    <section className="mb-6" aria-label="Downloads">
      <h2 className="label mb-1">Downloads</h2>
      <ul className="rows border-t border-line">{newest.slice(0, 8).map((job) => <DownloadRow key={job.job_id} listed={job} named />)}</ul>
    </section>
  );
}

/** One download: how far it is, and what can be done about it. */
export function DownloadRow({ listed, named }: { listed: Job; named?: boolean }) {
  const live = useLive(listed.job_id);
  const job = live?.job ?? listed;
  const state = live ?? job;
  const done = FINAL.has(state.status);
  const wanted = downloadOf(job);
  const version = useQuery({ ...civitai.version(wanted?.version ?? 0), enabled: named === true && wanted !== null }).data;
  const name = version ? `${version.model_name}, ${version.name}` : job.model;
  useArrival(state.status);
  const error = state.error;
  const paused = state.status === "cancelled";
  const goOn = () => wanted && download(wanted.version, wanted.file).catch(complain);
  return (
    <li className="grid items-center gap-x-4 gap-y-1.5 py-2.5 sm:grid-cols-[minmax(0,1fr)_auto]">
      <div className="min-w-0">
        {named && <p className="truncate">{version ? <Link to="/civitai/$id" params={{ id: String(version.model_id) }} search={{ version: version.id }} className="no-underline hover:text-mark">{name}</Link> : name}</p>}
        <p className="param" role={done ? "status" : undefined}>
          {paused ? "Paused; what came is kept" : done ? (state.status === "completed" ? [STATUS_WORDS.completed, job.message.startsWith("Saved") ? job.message : ""].filter(Boolean).join(". ") : STATUS_WORDS[state.status]) : [live?.stopping ? "Pausing" : STATUS_WORDS[state.status], `${Math.floor(state.progress)}%`, numbersOf(state)].filter(Boolean).join(" · ")}
        </p>
        {!done && <div className="exposure mt-1.5" role="progressbar" aria-label={`Download of ${name}`} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(state.progress)}><span style={{ transform: `scaleX(${state.progress / 100})` }} /></div>}
        {error && <p className="wrong">{error.message} {error.fix} {aboutKey(error) && <Link to="/settings" className="text-link">Set the key</Link>}</p>}
      </div>
      <div className="flex gap-2">
        {!done && <button type="button" className="button" disabled={live?.stopping} onClick={() => endDownload(job.job_id).catch(complain)}><Icon name="pause" />Pause</button>}
        {done && state.status !== "completed" && <button type="button" className="button" onClick={goOn}><Icon name={paused ? "play" : "again"} />{paused ? "Go on" : "Try again"}</button>}
        {state.status === "completed" && wanted && <UseIt version={wanted.version} file={wanted.file} message={job.message} />}
        {done && <button type="button" className="button bare square" aria-label={`Take ${name} off the list`} title="Take it off the list; the file stays" onClick={() => endDownload(job.job_id).catch(complain)}><Icon name="close" /></button>}
      </div>
    </li>
  );
}

/** Lists are read anew at the moment a download ends. */
function useArrival(status: Job["status"]): void {
  const [before, setBefore] = useState(status);
  useEffect(() => {
    if (status === before) return;
    setBefore(status);
    if (status === "completed") lookAnew();
  }, [status, before]);
}

/** The way to the bench with what a file became here. */
export function UseIt({ version, file, message = "", main }: { version: number; file: number | null; message?: string; main?: boolean }) {
  const found = useHere(version, file, message);
  const navigate = useNavigate();
  if (!found) return null;
  const use = () => {
    if (found.kind === "lora") handOver({ loras: [{ id: found.id, weight: found.weight }], ...(found.triggers.length ? { prompt: found.triggers.join(", ") } : {}) });
    void navigate({ to: "/image", search: found.kind === "model" ? { model: found.id } : {} });
  };
  return <button type="button" className={main ? "button main" : "button"} aria-label={`Use ${found.title}`} onClick={use}>Use it</button>;
}

/** What a file became on this machine, once it is here. */
export function useHere(version: number, file: number | null, message = ""): Here | null {
  const models = useQuery(queries.models()).data?.models ?? [];
  const loras = useQuery(queries.loras).data?.loras ?? [];
  const saved = /-(\d+)\.(?:safetensors|gguf)/.exec(message)?.[1];
  const number = file ?? (saved ? Number(saved) : null);
  return number === null ? null : here(version, number, models, loras);
}
