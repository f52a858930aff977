import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import type { Job } from "@/api/client";
import { cancelJob } from "@/jobs/hooks";
import { FINAL, numbersOf, ranFor, seconds, STATUS_WORDS } from "@/lib/format";
import { altOf, kindWord, Picture } from "@/ui/Picture";
import { Sounds } from "@/ui/Sounds";
import { speak } from "@/ui/toasts";
import { galleryQuery } from "../assets/gallery";
import { FavouriteButton } from "../assets/FavouriteButton";
import { JobNotes } from "../image/JobNotes";
import { blamed, type Workflow } from "./form";
import type { FormState } from "./useForm";
import type { Run } from "./useRun";

/** The run that was started last, large; below it everything this workflow made. */
export function Results({ workflow, run, form }: { workflow: Workflow; run: Run; form: FormState }) {
  const { live, status } = run;
  const done = status !== null && FINAL.has(status);
  useEffect(() => {
    if (live && status && !done) speak(`${STATUS_WORDS[status]}, ${Math.floor(live.progress)} percent`);
  });
  useEffect(() => {
    if (live && status && done) speak(`${STATUS_WORDS[status]}.`, true);
  }, [done]);
  return (
    <>
      {status ? <Strip workflow={workflow} run={run} status={status} /> : <Unexposed workflow={workflow} />}
      <MadeBefore workflow={workflow} onReuse={form.set} />
    </>
  );
}

function Strip({ workflow, run, status }: { workflow: Workflow; run: Run; status: Job["status"] }) {
  const { job, live } = run;
  const done = FINAL.has(status);
  const progress = live?.progress ?? job?.progress ?? 0;
  const error = live?.error ?? job?.error ?? null;
  const ran = job ? ranFor(job) : null;
  return (
    <article className="strip" aria-label="This run">
      <div className="sprockets" aria-hidden="true" />
      <div className="edge">
        <span className="truncate">{workflow.title}</span>
        <span className="number">{done ? [STATUS_WORDS[status], ran === null ? "" : seconds(ran)].filter(Boolean).join(" · ") : `${live?.stopping ? "Cancelling" : STATUS_WORDS[status]} ${Math.floor(progress)}%`}</span>
      </div>
      {!done && <div className="exposure" role="progressbar" aria-label="Progress" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(progress)}><span style={{ transform: `scaleX(${progress / 100})` }} /></div>}
      {job && status === "completed" ? <Frames job={job} /> : <Developing run={run} status={status} />}
      <div className="edge on-film flex-wrap !py-2">
        <span className="number !whitespace-normal" data-testid="stage">{done ? job && factsOf(job) : numbersOf(live ?? job ?? { status, numbers: {}, eta_seconds: null, queue_position: null, wait_reason: null }) || live?.message}</span>
        {!done && job && <button type="button" className="button" disabled={live?.stopping} onClick={() => void cancelJob(job.job_id)}>Cancel</button>}
        {done && job && <Link to="/job/$id" params={{ id: job.job_id }} className="button">All about this run</Link>}
      </div>
      <div className="sprockets" aria-hidden="true" />
      {job && (error || job.adjusted.length > 0 || job.ignored.length > 0) && (
        <div className="border-t border-line bg-ground px-3 py-2 text-ink"><JobNotes job={job} error={error && blamed(error.field, workflow.parameters) ? { message: error.message, fix: null } : error} /></div>
      )}
    </article>
  );
}

function factsOf(job: Job): string {
  const first = job.images[0] ?? job.video;
  const steps = job.applied.num_inference_steps;
  return [first && `${first.width} × ${first.height}`, steps ? `${String(steps)} steps` : "", job.video?.duration ? `${job.video.duration.toFixed(1)} s` : "", job.sounds.length > 1 ? `${job.sounds.length} sounds` : ""].filter(Boolean).join(" · ");
}

/** While it runs: the newest preview, and the nodes it was seen at; quick ones pass unseen. */
function Developing({ run, status }: { run: Run; status: Job["status"] }) {
  const { live, nodes } = run;
  const numbers = (live?.numbers ?? {}) as Record<string, number | undefined>;
  return (
    <div className="grid gap-px bg-film-line md:grid-cols-[minmax(0,1fr)_17rem]">
      <div className="bg-film p-2">
        <div className="relative h-[min(56dvh,100vw)]">
          {live?.preview ? <img src={live.preview} alt="Unfinished picture" className="h-full w-full object-contain" data-testid="preview" /> : <span className="absolute inset-0 grid place-items-center border border-film-line"><span className="label text-film-ink">{STATUS_WORDS[status]}</span></span>}
        </div>
      </div>
      <ol className="overflow-y-auto bg-film p-3 md:max-h-[calc(min(56dvh,100vw)+1rem)]" aria-label="Nodes" tabIndex={0}>
        {nodes.length === 0 && <li className="number font-mono text-[0.88rem]">{FINAL.has(status) ? "no node ran" : "not at a node yet"}</li>}
        {nodes.map((node, index) => {
          const now = index === nodes.length - 1 && !FINAL.has(status);
          return (
            <li key={`${index}-${node}`} className={`flex items-baseline gap-2 py-1 text-[0.95rem] ${now ? "text-film-bright" : ""}`} aria-current={now ? "step" : undefined}>
              <span className={`w-4 flex-none font-mono text-[0.82rem] ${now ? "text-[#f0513b]" : ""}`} aria-hidden="true">{now ? "▸" : "·"}</span>
              <span className="min-w-0 flex-1">{node}</span>
              {now && numbers.steps ? <span className="font-mono text-[0.86rem]">{numbers.step} of {numbers.steps}</span> : null}
            </li>
          );
        })}
      </ol>
    </div>
  );
}

function Frames({ job }: { job: Job }) {
  const { video } = job;
  if (video) {
    return (
      <>
      <figure className="frame mx-2">
        <span className="picture mx-auto" style={{ aspectRatio: `${video.width} / ${video.height}`, maxWidth: `calc(62dvh * ${video.width / video.height})` }}><video src={video.url} poster={video.thumbnail_url} controls loop playsInline aria-label={altOf(job.prompt, "video")} /></span>
        <Caption id={video.id} seed={video.seed} url={video.url} to="/asset/video/$id" />
      </figure>
      <Sounds job={job} />
      </>
    );
  }
  if (!job.images.length && job.sounds.length) return <Sounds job={job} />;
  if (!job.images.length) return <p className="p-4">The files of this run are no longer there.</p>;
  return (
    <>
    <div className={`frames ${job.images.length > 1 ? "sm:grid-cols-2" : ""}`}>
      {job.images.map((image) => (
        <figure key={image.id} className="frame">
          <Link to="/asset/$id" params={{ id: image.id }} className="picture mx-auto" style={{ aspectRatio: `${image.width} / ${image.height}`, maxWidth: `calc(${job.images.length > 1 ? 42 : 62}dvh * ${image.width / image.height})` }}>
            <Picture src={image.url} alt={altOf(job.prompt)} width={image.width} height={image.height} placeholder={image.placeholder} eager />
          </Link>
          <Caption id={image.id} seed={image.seed} url={image.url} to="/asset/$id" />
        </figure>
      ))}
    </div>
    <Sounds job={job} />
    </>
  );
}

function Caption({ id, seed, url, to }: { id: string; seed: number | null; url: string; to: "/asset/$id" | "/asset/video/$id" }) {
  return (
    <figcaption className="edge on-film flex-wrap !px-0.5">
      <span className="number" title="Seed">{seed === null ? "–" : `▸ ${seed}`}</span>
      <span className="flex flex-wrap items-center gap-1">
        <FavouriteButton id={id} />
        <a className="button" href={`${url}?download=true`} download="">Download</a>
        <Link to={to} params={{ id }} className="button">In the library</Link>
      </span>
    </figcaption>
  );
}

function Unexposed({ workflow }: { workflow: Workflow }) {
  return (
    <div className="strip on-film" aria-hidden="true">
      <div className="sprockets" />
      <div className="edge"><span className="truncate">{workflow.title}</span><span className="number">not exposed yet</span></div>
      <div className="m-2 grid min-h-[38dvh] place-items-center border border-film-line"><span className="label text-film-ink">{workflow.media === "audio" ? "sound" : workflow.media}</span></div>
      <div className="sprockets" />
    </div>
  );
}

function MadeBefore({ workflow, onReuse }: { workflow: Workflow; onReuse: FormState["set"] }) {
  const pages = useInfiniteQuery(galleryQuery({ model: workflow.model }, 24));
  const made = pages.data?.pages.flatMap((page) => page.assets) ?? [];
  if (!made.length) return null;
  const seeds = workflow.parameters.some((item) => item.name === "seed" && !item.hidden);
  return (
    <section className="mt-5" aria-label="Contact sheet of this workflow">
      <h2 className="label mb-2">Made with it</h2>
      <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(9.5rem,44%),1fr))] gap-1.5">
        {made.map((asset) => (
          <li key={asset.id} className="frame on-film">
            <Link to={asset.kind === "video" ? "/asset/video/$id" : "/asset/$id"} params={{ id: asset.id }} className="picture aspect-square"><Picture src={asset.thumbnail_url} alt={altOf(asset.prompt, kindWord(asset.kind))} width={asset.width} height={asset.height} placeholder={asset.placeholder} /></Link>
            <span className="edge"><span className="number">{asset.seed ?? "–"}</span>{seeds && asset.seed !== null && <button type="button" className="text-link min-h-6" title="Take this seed" onClick={() => onReuse("seed", asset.seed)}>take<span className="sr"> the seed {asset.seed}</span></button>}</span>
          </li>
        ))}
      </ul>
      {pages.hasNextPage && <button type="button" className="button mt-3" disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>Older</button>}
    </section>
  );
}
