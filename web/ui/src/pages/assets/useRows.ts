import { type RefObject, useCallback, useEffect, useState } from "react";

const OVERSCAN = 3;
const HEAD = 64; // the masthead lies over the top of the page

export interface Rows {
  first: number;
  last: number;
  /** Scrolls no more than it takes to show a row. */
  show: (row: number) => void;
}

/**
 * Which rows of a list are in the window. All are equally high, so this takes the same time for ten rows and for ten
 * thousand; nothing is measured and nothing is kept for a row.
 */
export function useRows(list: RefObject<HTMLElement | null>, count: number, height: number): Rows {
  const [range, setRange] = useState({ first: 0, last: -1 });
  useEffect(() => {
    const look = (): void => {
      const above = -(list.current?.getBoundingClientRect().top ?? 0);
      const next = seen(above, window.innerHeight, count, height);
      setRange((old) => (old.first === next.first && old.last === next.last ? old : next));
    };
    look();
    window.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);
    return () => {
      window.removeEventListener("scroll", look);
      window.removeEventListener("resize", look);
    };
  }, [list, count, height]);
  const show = useCallback((row: number) => {
    const top = (list.current?.getBoundingClientRect().top ?? 0) + row * height;
    const over = Math.min(0, top - HEAD) || Math.max(0, top + height - window.innerHeight);
    if (over) window.scrollBy({ top: over, behavior: "instant" });
  }, [list, height]);
  return { first: range.first, last: Math.min(range.last, count - 1), show };
}

/** The rows in a window that begins `above` pixels below the top of the list. */
export function seen(above: number, window: number, count: number, height: number): { first: number; last: number } {
  const first = Math.floor(above / height) - OVERSCAN;
  const last = Math.ceil((above + window) / height) + OVERSCAN;
  return { first: Math.min(Math.max(0, first), Math.max(0, count - 1)), last: Math.min(Math.max(-1, last), count - 1) };
}
