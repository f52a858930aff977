import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { api, sentenceOf, take } from "@/api/client";
import type { GallerySearch } from "@/lib/search";
import { useTitle } from "@/lib/useTitle";
import { PROMPTS } from "../image/prompts";
import { Filters } from "./Filters";
import { galleryQuery, toQuery } from "./gallery";
import { Grid } from "./Grid";
import { SelectionBar } from "./SelectionBar";
import { useAll } from "./useAll";
import { useSelection } from "./useSelection";

const route = getRouteApi("/assets");

/** Everything that was ever made, as one contact sheet. */
export default function GalleryPage() {
  useTitle("Library");
  const search = route.useSearch();
  const pages = useInfiniteQuery(galleryQuery(search));
  const assets = useAll(pages.data?.pages);
  const selection = useSelection(assets);
  const count = useCount(search);
  return (
    <div className="page !pb-24">
      <div className="page-head">
        <h1 className="title">Library</h1>
        <p className="param text-dim" role="status">{count}</p>
      </div>
      <Filters />
      {pages.error ? (
        <p className="wrong" role="alert">{sentenceOf(pages.error)}</p>
      ) : pages.isPending ? (
        <div className="min-h-[60dvh]" aria-busy="true" />
      ) : assets.length === 0 ? (
        Object.keys(search).length ? <p className="hint py-6">{NOTHING[search.tab ?? "all"] && Object.keys(search).length === 1 ? NOTHING[search.tab ?? "all"] : "Nothing fits these filters."}</p> : <FirstPicture />
      ) : (
        <Grid assets={assets} selection={selection} more={pages.hasNextPage} loading={pages.isFetchingNextPage} onMore={pages.fetchNextPage} />
      )}
      {selection.ids.size > 0 && <SelectionBar assets={assets} selection={selection} trash={search.tab === "trash"} />}
    </div>
  );
}

const NOTHING: Partial<Record<NonNullable<GallerySearch["tab"]>, string>> = {
  favourites: "No frame is circled yet. The heart under a picture, or the key f, keeps one here.",
  trash: "The trash is empty.",
  video: "No video was made yet.",
  audio: "No sound was made yet.",
};

/** A library with nothing in it: how the first frame comes into it. */
function FirstPicture() {
  return (
    <div className="grid max-w-3xl gap-3 py-6">
      <p>Nothing was made yet. Everything that is made lies here, with its recipe. Begin with one of these:</p>
      <ul className="rows border-t border-line">
        {PROMPTS.image.map((prompt) => <li key={prompt}><Link to="/image" search={{ prompt }} className="title block py-2.5 font-medium no-underline hover:text-mark">{prompt}</Link></li>)}
      </ul>
    </div>
  );
}

/** How many there are, where the server can count them by these filters. */
function useCount(search: ReturnType<typeof route.useSearch>): string {
  const { model, kind, q, session_id, favourite, trashed, ...others } = toQuery(search);
  const counted = Object.keys(others).length === 0;
  const query = { ...(model ? { model } : {}), ...(kind ? { kind } : {}), ...(q ? { q } : {}), ...(session_id ? { session_id } : {}), ...(favourite ? { favourite } : {}), ...(trashed ? { trashed } : {}) };
  const { data } = useQuery({ queryKey: ["assets", "count", query], queryFn: ({ signal }) => take(api.GET("/api/assets/count", { params: { query }, signal })), enabled: counted });
  if (!data || !counted) return "";
  return `${data.exact ? "" : "more than "}${data.number.toLocaleString("en")} ${data.number === 1 ? "frame" : "frames"}`;
}
