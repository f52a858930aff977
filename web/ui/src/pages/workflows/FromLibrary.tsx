import { useInfiniteQuery } from "@tanstack/react-query";
import { altOf, kindWord, Picture } from "@/ui/Picture";
import { Dialog } from "@/ui/Dialog";
import { galleryQuery } from "../assets/gallery";
import type { Medium } from "./form";

/** The newest frames of the library, to put one into a workflow. */
export default function FromLibrary({ kind, onPick, onClose }: { kind: "image" | "video" | "audio"; onPick: (medium: Medium) => void; onClose: () => void }) {
  const pages = useInfiniteQuery(galleryQuery({ tab: kind }, 60));
  const made = pages.data?.pages.flatMap((page) => page.assets) ?? [];
  return (
    <Dialog title={`A ${kindWord(kind)} of the library`} onClose={onClose} wide>
      <div className="min-h-48 p-4">
        {pages.data && !made.length && <p className="hint">Nothing was made yet.</p>}
        <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(8rem,30%),1fr))] gap-1.5">
          {made.map((asset) => (
            <li key={asset.id} className="frame on-film">
              <button type="button" className="picture aspect-square" onClick={() => onPick({ source: asset.id, url: asset.url, name: altOf(asset.prompt, kindWord(asset.kind)), video: asset.kind === "video", sound: asset.kind === "audio" })}>
                <Picture src={asset.thumbnail_url} alt={altOf(asset.prompt, kindWord(asset.kind))} width={asset.width} height={asset.height} placeholder={asset.placeholder} />
              </button>
              <span className="edge"><span className="number">{asset.seed ?? "–"}</span></span>
            </li>
          ))}
        </ul>
        {pages.hasNextPage && <button type="button" className="button mt-3" disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>Older</button>}
      </div>
    </Dialog>
  );
}
