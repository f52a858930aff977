import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import { GridFrame } from "./GridFrame";
import { useRows } from "./useRows";
import type { Selection } from "./useSelection";
import type { Cell } from "./gallery";

interface Props {
  assets: readonly Cell[];
  selection: Selection;
  more: boolean;
  loading: boolean;
  onMore: () => unknown;
}

const GAP = 6;
const EDGE = 27;
const SMALLEST = 168;

/** Frames in rows; only those in view exist. Every cell has its size before its picture is there, so nothing jumps. */
export function Grid({ assets, selection, more, loading, onMore }: Props) {
  const list = useRef<HTMLUListElement>(null);
  const [width, setWidth] = useState(0);
  const [at, setAt] = useState(0);
  useLayoutEffect(() => {
    const node = list.current;
    if (!node) return;
    const measure = () => setWidth(node.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  const columns = Math.max(2, Math.floor((width + GAP) / (Math.min(SMALLEST + width / 24, 260) + GAP)));
  const side = Math.max(40, Math.floor((width - GAP * (columns - 1)) / columns));
  const rows = Math.ceil(assets.length / columns);
  const height = side + EDGE + GAP;
  const { first, last, show } = useRows(list, rows, height);
  useEffect(() => {
    if (more && !loading && last >= rows - 8) void onMore();
  }, [more, loading, last, rows, onMore]);

  const go = (index: number) => {
    const next = Math.min(assets.length - 1, Math.max(0, index));
    setAt(next);
    show(Math.floor(next / columns));
    requestAnimationFrame(() => requestAnimationFrame(() => list.current?.querySelector<HTMLElement>(`[data-index="${next}"] a`)?.focus({ preventScroll: true })));
  };
  const pressed = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      go(at + step);
    } else if (event.key === "Home" || event.key === "End") {
      event.preventDefault();
      go(event.key === "Home" ? 0 : assets.length - 1);
    } else if (event.key === " " && event.target instanceof HTMLAnchorElement) {
      event.preventDefault();
      selection.toggle(at, event.shiftKey);
    }
  };
  const shown = assets.slice(first * columns, (last + 1) * columns);
  return (
    <ul ref={list} className="relative" style={{ height: rows * height }} onKeyDown={pressed} aria-label="Frames; arrow keys move, Space selects">
      {width > 0 && shown.map((asset, place) => {
        const index = first * columns + place;
        return (
          <li key={asset.id} data-index={index} className="absolute top-0 left-0" aria-setsize={more ? -1 : assets.length} aria-posinset={index + 1}
            style={{ width: side, height: side + EDGE, transform: `translate(${(index % columns) * (side + GAP)}px, ${Math.floor(index / columns) * height}px)` }}>
            <GridFrame asset={asset} index={index} side={side} eager={index < 3 * columns} selected={selection.ids.has(asset.id)} anySelected={selection.ids.size > 0} tabbable={index === Math.min(at, assets.length - 1)} onToggle={selection.toggle} onFocus={setAt} />
          </li>
        );
      })}
    </ul>
  );
}
