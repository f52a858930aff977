import { useNavigate } from "@tanstack/react-router";
import { type Job, sentenceOf } from "@/api/client";
import { client, queries } from "@/api/queries";
import { Icon } from "@/ui/icons";
import { type Choice, Menu } from "@/ui/Menu";
import { say } from "@/ui/toasts";
import { FavouriteButton } from "../assets/FavouriteButton";
import { useReady, useRemakes, useUpscalers } from "../models/useReady";
import type { Bench } from "./bench";
import type { Medium } from "./draft";
import { upscale, vary } from "./submit";

interface Made {
  id: string;
  kind: "image" | "video";
  url: string;
  seed: number | null;
}

const complain = (error: unknown) => say(sentenceOf(error), "wrong");

const FORMATS: Record<"image" | "video" | "audio", readonly (readonly [format: string, label: string])[]> = {
  image: [["png", "PNG"], ["jpeg", "JPEG"], ["webp", "WebP"]],
  video: [],
  audio: [["flac", "FLAC"], ["mp3", "MP3"], ["ogg", "Ogg Opus"], ["wav", "WAV"], ["m4a", "M4A"]],
};

/** Formats a file can be had in. */
export function downloads(asset: { url: string; kind: "image" | "video" | "audio" }): Choice[] {
  const whole = { label: "As it was made", href: `${asset.url}?download=true`, download: true };
  return [whole, ...FORMATS[asset.kind].map(([format, label]) => ({ label, href: `${asset.url}?format=${format}&download=true`, download: true }))];
}

/** Makes ready for the next words: beside the bench they replace the old ones; a narrow bench lies above. */
function toPrompt(): void {
  const field = document.getElementById("prompt");
  if (!matchMedia("(min-width: 64rem)").matches) window.scrollTo({ top: 0 });
  else if (field instanceof HTMLTextAreaElement) {
    field.focus({ preventScroll: true });
    field.select();
  }
}

interface Props {
  job: Job;
  asset: Made;
  bench: Bench;
  /** Of a frame that is alone on its strip: what ran, and the bench that its settings go back to. */
  facts?: string | undefined;
  medium?: Medium | undefined;
}

/** What can be done with a frame. Only what this server can do is offered. */
export function FrameActions({ job, asset, bench, facts, medium }: Props) {
  const navigate = useNavigate();
  const upscalers = useUpscalers(asset.kind);
  const movers = useReady("video");
  const editors = useReady("edit").length > 0;
  const isPicture = asset.kind === "image";
  const remakes = useRemakes() && asset.kind === "video";
  const reference = () => {
    const others = bench.draft.references.filter((item) => item.source !== asset.id);
    bench.change({ references: [...others, { source: asset.id, url: asset.url, name: job.prompt.slice(0, 60) || "picture" }], mask: undefined });
    say("It goes in as a reference. Write what it should become.");
    toPrompt();
  };
  const takeAgain = () => client.ensureQueryData(queries.model(job.model)).then((model) => vary(job, asset, model, bench.sessionId)).catch(complain);
  const larger: (Choice | null)[] = upscalers.slice(0, 6).map((model) => ({
    label: `Upscale with ${model.title}`,
    run: () => void upscale(asset, model.id, undefined, bench.sessionId).catch(complain),
  }));
  const onward: Choice[] = [
    ...(isPicture && movers.length > 0 ? [{ label: "To video", run: () => void navigate({ to: "/video", search: { from: asset.id, take: "start" as const } }) }] : []),
    ...(remakes ? [{ label: "Use as source", run: () => void navigate({ to: "/video", search: { session: medium === "video" ? bench.sessionId : undefined, from: asset.id, take: "source" as const } }) }] : []),
  ];
  return (
    <figcaption className="edge on-film flex-wrap !gap-y-1 !px-0.5 !pb-1.5">
      <span className="flex flex-1 basis-40 flex-wrap items-baseline gap-x-4 !whitespace-normal">
        {(asset.seed !== null || !facts) && <span className="number" title="Seed">{asset.seed === null ? "–" : `▸ ${asset.seed}`}</span>}
        {facts && <span className="param text-[0.86rem] tracking-normal" data-testid="stage">{facts}</span>}
      </span>
      <span className="flex flex-wrap items-center gap-1">
        <FavouriteButton id={asset.id} />
        {isPicture && editors && <button type="button" className="button" onClick={reference}><span className="max-sm:hidden">Use as reference</span><span className="sm:hidden">Reference</span></button>}
        {job.kind !== "upscale" && <button type="button" className="button" onClick={takeAgain} title={isPicture ? "A little different: changed at strength 0.4 where the model can, else another seed" : "Another seed"}>Vary</button>}
        <Menu trigger={<button type="button" className="button square" aria-label="Download"><Icon name="down" /></button>} choices={downloads(asset)} />
        {larger.length + onward.length > 0 && <Menu trigger={<button type="button" className="button square" aria-label="More for this frame"><Icon name="more" /></button>} choices={[...larger, ...onward]} />}
        {medium && <ReuseMenu job={job} medium={medium} />}
      </span>
    </figcaption>
  );
}

/** Brings the settings of a job back to the bench. */
export function ReuseMenu({ job, medium }: { job: Job; medium: Medium }) {
  const navigate = useNavigate();
  const first = job.images[0] ?? job.video;
  if (!first) return null;
  const reuse = (part: "all" | "seed" | "prompt") => void navigate({ to: medium === "image" ? "/image" : "/video", search: { session: job.session_id ?? undefined, from: first.id, take: part } });
  return (
    <Menu trigger={<button type="button" className="button"><Icon name="again" /><span className="max-sm:sr-only">Reuse</span></button>}
      choices={[{ label: "All settings", run: () => reuse("all") }, { label: "Seed", run: () => reuse("seed") }, { label: "Prompt", run: () => reuse("prompt") }]} />
  );
}
