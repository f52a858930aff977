import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import type { ImageRef, Job } from "@/api/client";
import { sentenceOf } from "@/api/client";
import { cancelJob, useLive } from "@/jobs/hooks";
import { FINAL, money, numbersOf, ranFor, seconds, STATUS_WORDS } from "@/lib/format";
import { altOf, Picture } from "@/ui/Picture";
import { Sounds } from "@/ui/Sounds";
import { say, speak } from "@/ui/toasts";
import { useNoCharge } from "../models/useReady";
import type { Bench } from "./bench";
import type { Medium } from "./draft";
import { FrameActions, ReuseMenu } from "./FrameActions";
import { JobNotes } from "./JobNotes";
import { again } from "./submit";

/** One job, large: how far it is while it runs, its frames when it is done. */
export function Enlarger({ listed, bench, medium }: { listed: Job; bench: Bench; medium: Medium }) {
  const live = useLive(listed.job_id);
  const job = live?.job && (FINAL.has(live.job.status) || !FINAL.has(listed.status)) ? live.job : listed;
  const status = live?.status ?? job.status;
  const done = FINAL.has(status);
  const error = live?.error ?? job.error;
  const alone = status === "completed" && job.images.length + (job.video ? 1 : 0) === 1;
  const free = useNoCharge(job.model);
  useEffect(() => {
    if (live && !done) speak(`${STATUS_WORDS[status]}, ${Math.floor(live.progress)} percent`);
  });
  useEffect(() => {
    if (live && done) speak(`${STATUS_WORDS[status]}.`, true);
  }, [done]);
  return (
    <article className="strip" aria-label="Newest result">
      <div className="sprockets" aria-hidden="true" />
      <div className="edge">
        <span className="truncate">{job.model}</span>
        <span className="number">{done ? [STATUS_WORDS[status], timeOf(job), costOf(job) || (status === "completed" ? free : "")].filter(Boolean).join(" · ") : `${STATUS_WORDS[status]} ${Math.floor(live?.progress ?? job.progress)}%`}</span>
      </div>
      {!done && <div className="exposure" role="progressbar" aria-label="Progress" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(live?.progress ?? 0)}><span style={{ transform: `scaleX(${(live?.progress ?? job.progress) / 100})` }} /></div>}
      {status === "completed" ? <Frames job={job} bench={bench} medium={medium} /> : <Unfinished job={job} status={status} preview={live?.preview} />}
      {!alone && <div className="edge on-film flex-wrap !py-2">
        <span className="number !whitespace-normal" data-testid="stage">{done ? factsOf(job) : live?.stopping ? "Cancelling; it stops after the step it is at." : numbersOf(live ?? job) || live?.message || job.message}</span>
        <span className="flex gap-2">
          {!done && <button type="button" className="button" disabled={live?.stopping} onClick={() => void cancelJob(job.job_id)}>Cancel</button>}
          {(status === "failed" || status === "cancelled") && <button type="button" className="button" onClick={() => again(job).catch((error: unknown) => say(sentenceOf(error), "wrong"))}>Try again</button>}
          {done && <ReuseMenu job={job} medium={medium} />}
        </span>
      </div>}
      <div className="sprockets" aria-hidden="true" />
      {(job.prompt || error || job.adjusted.length > 0 || job.ignored.length > 0) && (
        <div className="border-t border-line bg-ground px-1 pt-3 text-ink">
          {job.prompt && <p className="max-w-prose px-2 pb-1 text-[1.02rem]">{job.prompt}</p>}
          <div className="px-2 pb-1"><JobNotes job={job} error={error} /></div>
        </div>
      )}
    </article>
  );
}

const timeOf = (job: Job): string => {
  const ran = ranFor(job);
  return ran === null ? "" : seconds(ran);
};
const costOf = (job: Job): string => (job.cost ? `${job.cost.estimated ? "about " : ""}${money(job.cost.amount, job.cost.currency)}` : "");

/** Resolved values in one line: `512 × 512 · 20 steps · guidance 5`. */
function factsOf(job: Job): string {
  const applied = job.applied as Record<string, unknown>;
  const first = job.images[0] ?? job.video;
  const parts = [
    first && `${first.width} × ${first.height}`,
    applied.num_inference_steps ? `${String(applied.num_inference_steps)} steps` : "",
    typeof applied.guidance_scale === "number" ? `guidance ${applied.guidance_scale}` : "",
    (job.kind === "edit" || job.kind === "video") && typeof applied.strength === "number" ? `strength ${applied.strength}` : "",
    job.video?.duration ? `${job.video.duration.toFixed(1)} s at ${job.video.fps ?? "?"} fps` : "",
  ];
  return parts.filter(Boolean).join(" · ");
}

function Unfinished({ job, status, preview }: { job: Job; status: Job["status"]; preview: string | undefined }) {
  const shape = job.width && job.height ? job.width / job.height : 1;
  return (
    <div className="grid place-items-center bg-black p-2">
      <div className="relative max-h-[60dvh] w-full" style={{ aspectRatio: String(shape), maxWidth: `calc(60dvh * ${shape})` }}>
        {preview ? (
          <img src={preview} alt="Unfinished picture" className="h-full w-full object-contain" />
        ) : (
          <span className="absolute inset-0 grid place-items-center border border-film-line"><span className="label text-film-ink">{STATUS_WORDS[status]}</span></span>
        )}
      </div>
    </div>
  );
}

function Frames({ job, bench, medium }: { job: Job; bench: Bench; medium: Medium }) {
  const video = job.video;
  if (video) {
    return (
      <figure className="frame mx-2">
        <span className="picture mx-auto" style={{ aspectRatio: `${video.width} / ${video.height}`, maxWidth: `calc(62dvh * ${video.width / video.height})` }}><video src={video.url} poster={video.thumbnail_url} controls loop muted={!video.has_audio} autoPlay={!matchMedia("(prefers-reduced-motion: reduce)").matches && !video.has_audio} playsInline aria-label={altOf(job.prompt, "video")} /></span>
        <FrameActions job={job} asset={{ id: video.id, kind: "video", url: video.url, seed: video.seed }} bench={bench} facts={factsOf(job)} medium={medium} />
      </figure>
    );
  }
  if (!job.images.length && job.sounds.length) return <Sounds job={job} />;
  if (!job.images.length) return <p className="p-4">The files of this job are no longer there.</p>;
  return (
    <div className={`frames ${job.images.length > 1 ? "sm:grid-cols-2" : ""}`}>
      {job.images.map((image) => <Frame key={image.id} image={image} job={job} bench={bench} alone={job.images.length === 1 ? medium : undefined} />)}
    </div>
  );
}

function Frame({ image, job, bench, alone }: { image: ImageRef; job: Job; bench: Bench; alone: Medium | undefined }) {
  const shape = image.width / image.height;
  const drag = JSON.stringify({ id: image.id, url: image.url, name: job.prompt.slice(0, 60) });
  return (
    <figure className="frame">
      <Link to="/asset/$id" params={{ id: image.id }} className="picture mx-auto" draggable style={{ aspectRatio: `${image.width} / ${image.height}`, maxWidth: `calc(${alone ? 62 : 42}dvh * ${shape})` }}
        onDragStart={(event) => event.dataTransfer.setData("application/x-diorama-asset", drag)}>
        <Picture src={image.url} alt={altOf(job.prompt)} width={image.width} height={image.height} placeholder={image.placeholder} eager />
      </Link>
      <FrameActions job={job} asset={{ id: image.id, kind: "image", url: image.url, seed: image.seed }} bench={bench} facts={alone && factsOf(job)} medium={alone} />
    </figure>
  );
}
