import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { galleryQuery } from "../assets/gallery";
import { altOf, kindWord, Picture } from "@/ui/Picture";
import type { Medium } from "./draft";
import { PROMPTS } from "./prompts";

/** An empty session: prompts to begin with, and what was made last. */
export function Examples({ medium, onPick }: { medium: Medium; onPick: (prompt: string) => void }) {
  const recent = useInfiniteQuery(galleryQuery({ tab: medium }, 12)).data?.pages[0]?.assets ?? [];
  return (
    <div className="grid gap-8 py-4">
      <div>
        <h2 className="label mb-2">Begin with</h2>
        <ul className="rows max-w-2xl border-t border-line">
          {PROMPTS[medium].map((prompt) => (
            <li key={prompt}><button type="button" className="title w-full py-2.5 text-left font-medium hover:text-mark" onClick={() => onPick(prompt)}>{prompt}</button></li>
          ))}
        </ul>
      </div>
      {recent.length > 0 && (
        <div>
          <h2 className="label mb-2">Made before</h2>
          <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(9.5rem,44%),1fr))] gap-1.5">
            {recent.map((asset) => (
              <li key={asset.id} className="frame on-film">
                <Link to={asset.kind === "video" ? "/asset/video/$id" : "/asset/$id"} params={{ id: asset.id }} className="picture aspect-square"><Picture src={asset.thumbnail_url} alt={altOf(asset.prompt, kindWord(asset.kind))} width={asset.width} height={asset.height} placeholder={asset.placeholder} /></Link>
                <span className="edge"><span className="number">{asset.seed ?? "–"}</span></span>
              </li>
            ))}
          </ul>
          <Link to="/assets" className="text-link mt-3 inline-block">The whole library</Link>
        </div>
      )}
    </div>
  );
}
