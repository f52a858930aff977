import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { api, sentenceOf, take } from "@/api/client";
import { useTitle } from "@/lib/useTitle";
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
        <p className="hint py-6">{Object.keys(search).length ? "Nothing fits these filters." : "Nothing was made yet. The first picture appears here."}</p>
      ) : (
        <Grid assets={assets} selection={selection} more={pages.hasNextPage} loading={pages.isFetchingNextPage} onMore={pages.fetchNextPage} />
      )}
      {selection.ids.size > 0 && <SelectionBar assets={assets} selection={selection} trash={search.tab === "trash"} />}
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
