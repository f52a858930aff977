import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Cell } from "./gallery";

export interface Selection {
  ids: ReadonlySet<string>;
  toggle: (index: number, range: boolean) => void;
  clear: () => void;
}

/** Which frames are marked; a range from the last one with Shift. */
export function useSelection(assets: readonly Cell[]): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const last = useRef(-1);
  const list = useRef(assets);
  useEffect(() => {
    list.current = assets;
  }, [assets]);
  const toggle = useCallback((index: number, range: boolean) => {
    const from = range && last.current >= 0 ? last.current : index;
    setIds((old) => marked(old, list.current, from, index));
    last.current = index;
  }, []);
  const clear = useCallback(() => setIds(new Set()), []);
  return useMemo(() => ({ ids, toggle, clear }), [ids, toggle, clear]);
}

/** `old` with the frame at `to` flipped, or with all from `from` to `to` marked. */
export function marked(old: ReadonlySet<string>, assets: readonly { id: string }[], from: number, to: number): ReadonlySet<string> {
  const next = new Set(old);
  if (from === to) {
    const id = assets[to]?.id;
    if (id && !next.delete(id)) next.add(id);
    return next;
  }
  for (const asset of assets.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(asset.id);
  return next;
}
