import { Link } from "@tanstack/react-router";
import { memo, useState } from "react";
import { seconds } from "@/lib/format";
import { Grease, Icon } from "@/ui/icons";
import { altOf, kindWord, Picture } from "@/ui/Picture";
import type { Cell } from "./gallery";

interface Props {
  asset: Cell;
  index: number;
  side: number;
  eager: boolean;
  selected: boolean;
  anySelected: boolean;
  tabbable: boolean;
  onToggle: (index: number, range: boolean) => void;
  onFocus: (index: number) => void;
}

/** One frame of the library: the picture, its number (the seed) on the film's edge, a box to mark it. */
export const GridFrame = memo(function GridFrame({ asset, index, side, eager, selected, anySelected, tabbable, onToggle, onFocus }: Props) {
  const [hover, setHover] = useState(false);
  const video = asset.kind === "video";
  return (
    <div className="frame on-film group h-full" onMouseEnter={() => setHover(true)} onMouseLeave={() => setHover(false)}>
      <Link to={video ? "/asset/video/$id" : "/asset/$id"} params={{ id: asset.id }} className="picture" style={{ height: side }} tabIndex={tabbable ? 0 : -1} draggable
        onFocus={() => onFocus(index)} onDragStart={(event) => event.dataTransfer.setData("application/x-diorama-asset", JSON.stringify({ id: asset.id, url: asset.url, name: asset.prompt.slice(0, 60), kind: asset.kind }))}
        onClick={(event) => { if (anySelected && !event.ctrlKey && !event.metaKey) { event.preventDefault(); onToggle(index, event.shiftKey); } }}>
        <Picture src={asset.thumbnail_url} alt={asset.title || altOf(asset.prompt, kindWord(asset.kind))} width={asset.width} height={asset.height} placeholder={asset.placeholder} eager={eager} />
        {video && hover && <img className="absolute inset-0" src={asset.preview_url} alt="" draggable={false} />}
        {selected && <Grease shape="box" />}
      </Link>
      <div className="edge !min-h-0 !px-1.5" style={{ height: 27 }}>
        <span className={`number relative ${asset.favourite ? "px-2.5" : "px-1"}`}>{asset.seed ?? "–"}{asset.favourite && <Grease shape="circle" />}</span>
        {asset.favourite && <span className="sr">Favourite</span>}
        {asset.kind !== "image" && <span>{asset.kind === "audio" && <span className="sr">sound, </span>}{asset.duration ? seconds(asset.duration) : kindWord(asset.kind)}</span>}
        <button type="button" className={`grid size-6 place-items-center ${selected || anySelected ? "" : "opacity-0 group-hover:opacity-100 focus-visible:opacity-100 pointer-coarse:opacity-100"}`} aria-pressed={selected} tabIndex={tabbable ? 0 : -1}
          aria-label={`Select frame ${asset.seed ?? index + 1}`} onClick={(event) => onToggle(index, event.shiftKey)}>
          <span className={`grid size-4 place-items-center border ${selected ? "border-[#f0513b] bg-[#f0513b] text-black" : "border-film-ink"}`}>{selected && <Icon name="check" />}</span>
        </button>
      </div>
    </div>
  );
});
