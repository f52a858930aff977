import { useRef } from "react";
import type { Cell } from "./gallery";

interface Page {
  assets: readonly Cell[];
}

/** All frames of the pages in one list. A page more is appended to a copy of the last list, not gathered from all pages again. */
export function useAll(pages: readonly Page[] | undefined): readonly Cell[] {
  const last = useRef<{ pages: readonly Page[]; all: readonly Cell[] }>({ pages: [], all: [] });
  if (pages === undefined) return [];
  if (pages !== last.current.pages) last.current = { pages, all: joined(last.current, pages) };
  return last.current.all;
}

/** `old.all` with what `pages` have beyond `old.pages`, or everything anew when an earlier page is another. */
export function joined(old: { pages: readonly Page[]; all: readonly Cell[] }, pages: readonly Page[]): readonly Cell[] {
  const grown = old.pages.length > 0 && old.pages.every((page, at) => page === pages[at]);
  return grown ? old.all.concat(...pages.slice(old.pages.length).map((page) => page.assets)) : pages.flatMap((page) => page.assets);
}
