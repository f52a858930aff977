// The library as pages of a list, and what can be done with its members.
import { infiniteQueryOptions } from "@tanstack/react-query";
import { api, type Asset, take } from "@/api/client";
import { client } from "@/api/queries";
import type { GallerySearch } from "@/lib/search";

/** Filters of the address as the server takes them. Dates are days of this browser; `until` includes its day. */
export function toQuery(search: GallerySearch) {
  const { tab } = search;
  const [width, height] = (search.size ?? "").split("x").map(Number);
  const day = (text: string, add = 0) => Math.floor(new Date(`${text}T00:00:00`).getTime() / 1000) + add;
  return {
    ...(tab === "image" || tab === "video" || tab === "audio" ? { kind: tab } : {}),
    ...(tab === "favourites" ? { favourite: true } : {}),
    ...(tab === "trash" ? { trashed: true } : {}),
    ...(search.q ? { q: search.q } : {}),
    ...(search.model ? { model: search.model } : {}),
    ...(search.session ? { session_id: search.session } : {}),
    ...(search.lora ? { lora: search.lora } : {}),
    ...(search.seed !== undefined ? { seed: search.seed } : {}),
    ...(search.operation ? { operation: search.operation } : {}),
    ...(width && height ? { width, height } : {}),
    ...(search.since ? { after: day(search.since) } : {}),
    ...(search.until ? { before: day(search.until, 86_400) } : {}),
  };
}

type Row = Pick<Asset, "id" | "kind" | "prompt" | "title" | "seed" | "width" | "height" | "placeholder" | "favourite" | "duration">;
const prompts = new Map<string, string>();

/** What a list shows of an asset. A library of a hundred thousand is kept whole, so each of them has to be small. */
export class Cell implements Row {
  readonly id: string;
  readonly kind: Asset["kind"];
  readonly prompt: string;
  readonly title: string | null;
  readonly seed: number | null;
  readonly width: number;
  readonly height: number;
  readonly placeholder: string | null;
  readonly favourite: boolean;
  readonly duration: number | null;

  constructor(asset: Row) {
    this.id = asset.id;
    this.kind = asset.kind;
    this.prompt = shared(asset.prompt);
    this.title = asset.title;
    this.seed = asset.seed;
    this.width = asset.width;
    this.height = asset.height;
    this.placeholder = asset.placeholder;
    this.favourite = asset.favourite;
    this.duration = asset.duration;
  }

  get url(): string {
    return `/api/assets/${this.id}/file`;
  }

  get thumbnail_url(): string {
    return `/api/assets/${this.id}/thumbnail`;
  }

  /** The first seconds of a video, far smaller than the video itself. */
  get preview_url(): string {
    return `/api/video-assets/${this.id}/preview`;
  }
}

/** The same prompt many times is one string in memory. */
function shared(prompt: string): string {
  const known = prompts.get(prompt);
  if (known !== undefined) return known;
  if (prompts.size > 20_000) prompts.clear();
  prompts.set(prompt, prompt);
  return prompt;
}

const FIRST = 60; // about a window, so that it is there soon

export const galleryQuery = (search: GallerySearch, limit = 200) =>
  infiniteQueryOptions({
    queryKey: ["assets", "list", search, limit],
    queryFn: async ({ pageParam, signal }) => {
      const page = await take(api.GET("/api/assets", { params: { query: { limit: pageParam ? limit : Math.min(limit, FIRST), ...toQuery(search), ...(pageParam ? { cursor: pageParam } : {}) } }, signal }));
      return { assets: page.assets.map((asset) => new Cell(asset)), next_cursor: page.next_cursor };
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    structuralSharing: false, // comparing hundreds of pages would cost more than drawing them
    staleTime: 30_000,
  });

const one = (id: string) => ({ params: { path: { asset_id: id } } });

export async function setFavourite(id: string, on: boolean): Promise<Asset> {
  const changed = await take(on ? api.PUT("/api/assets/{asset_id}/favourite", one(id)) : api.DELETE("/api/assets/{asset_id}/favourite", one(id)));
  patch(changed);
  return changed;
}

export async function trash(ids: readonly string[]): Promise<void> {
  for (const id of ids) await take(api.DELETE("/api/assets/{asset_id}", one(id)));
  await client.invalidateQueries({ queryKey: ["assets"] });
}

export async function restore(ids: readonly string[]): Promise<void> {
  for (const id of ids) await take(api.POST("/api/assets/{asset_id}/restore", one(id)));
  await client.invalidateQueries({ queryKey: ["assets"] });
}

export async function purge(ids: readonly string[]): Promise<void> {
  for (const id of ids) await take(api.DELETE("/api/assets/{asset_id}", { params: { path: { asset_id: id }, query: { purge: true } } }));
  await client.invalidateQueries({ queryKey: ["assets"] });
}

/** One archive of several files. */
export async function exportZip(ids: readonly string[]): Promise<Blob> {
  return (await take(api.POST("/api/assets/export", { body: { asset_ids: [...ids], metadata: true } as never, parseAs: "blob" }))) as Blob;
}

/** Puts a changed asset into every list that shows it, without asking the server again. */
function patch(changed: Asset): void {
  const cell = new Cell(changed);
  type Pages = { pages: { assets: Cell[]; next_cursor: string | null }[]; pageParams: unknown[] };
  client.setQueriesData<Pages>({ queryKey: ["assets", "list"] }, (old) =>
    old && { ...old, pages: old.pages.map((page) => (page.assets.some((item) => item.id === changed.id) ? { ...page, assets: page.assets.map((item) => (item.id === changed.id ? cell : item)) } : page)) },
  );
  client.setQueryData(["assets", "one", changed.id], (old: Asset | undefined) => old && { ...old, ...changed });
}
