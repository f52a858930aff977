import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useEffect } from "react";
import { type AssetDetail, sentenceOf } from "@/api/client";
import { queries } from "@/api/queries";
import { somethingOpen, typing } from "@/layout/shortcuts";
import { soundWords } from "@/lib/made";
import { useTitle } from "@/lib/useTitle";
import { altOf, kindWord, Picture } from "@/ui/Picture";
import { Sound } from "@/ui/Sound";
import { say } from "@/ui/toasts";
import { AssetRail } from "./AssetRail";
import { setFavourite } from "./gallery";
import { neighbours } from "./neighbours";

/** One picture, video or sound with everything that is known about it. */
export default function AssetPage() {
  const { id = "" } = useParams({ strict: false });
  const { data, error } = useQuery(queries.asset(id));
  useTitle(data ? data.title || altOf(data.prompt, kindWord(data.kind)) : "Frame");
  useKeys(data);
  if (error) return <p className="page wrong" role="alert">{sentenceOf(error)}</p>;
  if (!data) return <div className="min-h-[70dvh]" aria-busy="true" />;
  return (
    <div className="split">
      <div className="flex min-h-[60dvh] flex-col bg-film lg:sticky lg:top-[calc(var(--head)+1px)] lg:h-[calc(100dvh-var(--head)-1px)]">
        <div className="sprockets" aria-hidden="true" />
        <div className="relative grid min-h-0 flex-1 place-items-center p-2">
          {data.kind === "video" ? (
            <video className="max-h-full max-w-full" style={{ aspectRatio: `${data.width} / ${data.height}`, width: `min(100%, calc((100dvh - 9rem) * ${data.width / data.height}))` }} src={data.url} poster={data.thumbnail_url} controls loop playsInline aria-label={altOf(data.prompt, "video")} />
          ) : data.kind === "audio" ? (
            <Sound key={data.id} src={data.url} waveform={data.thumbnail_url} label={altOf(data.prompt, "sound")} />
          ) : (
            <a href={data.url} className="frame max-h-full max-w-full" title="Open the file" style={{ aspectRatio: `${data.width} / ${data.height}`, width: `min(100%, calc((100dvh - 9rem) * ${data.width / data.height}))` }}>
              <span className="picture h-full"><Picture key={data.id} src={data.url} alt={altOf(data.prompt)} width={data.width} height={data.height} placeholder={data.placeholder} eager /></span>
            </a>
          )}
        </div>
        <div className="edge"><span className="number">{data.seed === null ? "" : `▸ ${data.seed}`}</span><Neighbours id={data.id} /><span className="number">{data.kind === "audio" ? soundWords(data) : `${data.width} × ${data.height}`}</span></div>
        <div className="sprockets" aria-hidden="true" />
      </div>
      <AssetRail asset={data} />
    </div>
  );
}

function Neighbours({ id }: { id: string }) {
  const { before, after } = neighbours(id);
  if (!before && !after) return null;
  return (
    <span className="on-film flex gap-4">
      {before && <Link to="/asset/$id" params={{ id: before }} className="text-link">newer</Link>}
      {after && <Link to="/asset/$id" params={{ id: after }} className="text-link">older</Link>}
    </span>
  );
}

/** Arrows go to the frames before and after in the library's last list; `f` marks; Escape goes back there. */
function useKeys(asset: AssetDetail | undefined): void {
  const navigate = useNavigate();
  useEffect(() => {
    if (!asset) return;
    const pressed = (event: KeyboardEvent): void => {
      if (typing(event) || event.defaultPrevented || event.ctrlKey || event.metaKey || somethingOpen() || event.target instanceof HTMLMediaElement) return;
      const { before, after } = neighbours(asset.id);
      const next = { ArrowLeft: before, ArrowRight: after }[event.key];
      if (next) void navigate({ to: "/asset/$id", params: { id: next } });
      else if (event.key === "f") setFavourite(asset.id, !asset.favourite).catch((error: unknown) => say(sentenceOf(error), "wrong"));
      else if (event.key === "Escape") void navigate({ to: "/assets" });
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [asset, navigate]);
}
