import { useState } from "react";
import type { Capabilities } from "@/api/client";
import { seconds } from "@/lib/format";
import { Slide } from "@/ui/Slide";
import type { Draft, Reference } from "./draft";
import { FilesIn } from "./FilesIn";

interface Props {
  caps: Capabilities;
  draft: Draft;
  change: (changes: Partial<Draft>) => void;
}

/** The video that is made over, and how far the new one may leave it. */
export default function VideoIn({ caps, draft, change }: Props) {
  const { video } = draft;
  return (
    <div className="grid gap-3">
      <FilesIn kind="video" title="Video that goes in" limit={1} files={video ? [video] : []} onChange={([first]) => change({ video: first })} show={(item) => <Clip key={item.url} clip={item} />} />
      {video && caps.strength && <Slide label="Strength" range={caps.strength} value={draft.strength} onChange={(strength) => change({ strength })} hint="0 changes nothing, 1 ignores the video." />}
    </div>
  );
}

/** A video with its poster, its length and its size. */
function Clip({ clip }: { clip: Reference }) {
  const [facts, setFacts] = useState("");
  const poster = clip.source.startsWith("data:") ? undefined : `/api/assets/${clip.source}/thumbnail`;
  return (
    <span className="grid min-w-0 flex-1 gap-0.5 p-1">
      <video src={clip.url} poster={poster} className="block h-36 w-full bg-black object-contain [color-scheme:dark]" muted controls playsInline preload="metadata" aria-label={clip.name}
        onLoadedMetadata={({ currentTarget: { duration, videoWidth, videoHeight } }) => setFacts([Number.isFinite(duration) ? seconds(duration) : "", `${videoWidth} × ${videoHeight}`].filter(Boolean).join(" · "))}
        onError={() => setFacts("This browser cannot show it.")} />
      <span className="param truncate px-1 text-film-ink">{[clip.name, facts].filter(Boolean).join(" · ")}</span>
    </span>
  );
}
