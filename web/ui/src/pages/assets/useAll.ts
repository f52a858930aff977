import { useRef } from "react";
import type { Cell } from "./gallery";

interface Page {
  assets: readonly Cell[];
}

/**
 * All frames of the pages in one list, which grows in place: copying it for each page of a library of a hundred thousand
 * would leave a hundred megabytes behind. Its length says what is new; whoever draws it is drawn anew by the query.
 */
export function useAll(pages: readonly Page[] | undefined): readonly Cell[] {
  const last = useRef<{ pages: readonly Page[]; all: Cell[] }>({ pages: [], all: [] });
  if (pages === undefined) return [];
  if (pages !== last.current.pages) last.current = { pages, all: joined(last.current, pages) };
  return last.current.all;
}

/** `old.all` grown by what `pages` have beyond `old.pages`, or a new list when an earlier page is another. */
export function joined(old: { pages: readonly Page[]; all: Cell[] }, pages: readonly Page[]): Cell[] {
  const grown = old.pages.length > 0 && old.pages.every((page, at) => page === pages[at]);
  if (!grown) return pages.flatMap((page) => page.assets);
  for (const page of pages.slice(old.pages.length)) old.all.push(...page.assets);
  return old.all;
}
