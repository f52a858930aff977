import { client } from "@/api/queries";
import type { Cell } from "./gallery";

type Pages = { pages: { assets: Cell[] }[] };

/** The frames before and after in the longest list of the library that holds this one; none when it was opened directly. */
export function neighbours(id: string): { before: string | undefined; after: string | undefined } {
  let best: string[] = [];
  for (const [, data] of client.getQueriesData<Pages>({ queryKey: ["assets", "list"] })) {
    const ids = data?.pages.flatMap((page) => page.assets.map((asset) => asset.id)) ?? [];
    if (ids.length > best.length && ids.includes(id)) best = ids;
  }
  const at = best.indexOf(id);
  return at < 0 ? { before: undefined, after: undefined } : { before: best[at - 1], after: best[at + 1] };
}
