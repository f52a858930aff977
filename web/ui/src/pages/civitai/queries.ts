// What the Civitai pages ask the server.
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { client, queries } from "@/api/queries";
import type { components } from "@/api/schema";
import { type Search, toQuery } from "./search";

export type LoraLine = Pick<components["schemas"]["LoraView"], "id" | "title" | "triggers" | "weight">;

export const civitai = {
  search: (search: Search) =>
    infiniteQueryOptions({
      queryKey: ["civitai", "search", search],
      queryFn: ({ pageParam, signal }) => take(api.GET("/api/civitai/models", { params: { query: { limit: 30, ...toQuery(search), ...(pageParam ? { cursor: pageParam } : {}) } }, signal })),
      initialPageParam: "",
      getNextPageParam: (page) => page.next_cursor,
      staleTime: 300_000,
      retry: false,
    }),
  model: (id: number, nsfw: boolean) =>
    queryOptions({
      queryKey: ["civitai", "model", id, nsfw],
      queryFn: ({ signal }) => take(api.GET("/api/civitai/models/{model_id}", { params: { path: { model_id: id }, query: { nsfw } }, signal })),
      staleTime: 300_000,
      retry: false,
    }),
  version: (id: number) =>
    queryOptions({
      queryKey: ["civitai", "version", id],
      queryFn: ({ signal }) => take(api.GET("/api/civitai/model-versions/{version_id}", { params: { path: { version_id: id } }, signal })),
      enabled: id > 0,
      staleTime: Infinity,
      retry: false,
    }),
  downloads: queryOptions({
    queryKey: ["jobs", "civitai"], // refreshed with all jobs when one ends
    queryFn: ({ signal }) => take(api.GET("/api/civitai/downloads", { params: { query: { limit: 30 } }, signal })),
  }),
};

export async function download(version: number, file: number | null): Promise<void> {
  await take(api.POST("/api/civitai/downloads", { body: { version_id: version, ...(file ? { file_id: file } : {}) } as never }));
  await client.invalidateQueries({ queryKey: civitai.downloads.queryKey });
}

/** Stops a download; what came is kept, and the next one goes on from there. On one that is over: takes it off the list. */
export async function endDownload(id: string): Promise<void> {
  await take(api.DELETE("/api/civitai/downloads/{job_id}", { params: { path: { job_id: id } } }));
  await client.invalidateQueries({ queryKey: civitai.downloads.queryKey });
}

/** Finds what a download brought: now, and once more when the server has listed its folders anew. */
export function lookAnew(): void {
  void refetch();
  setTimeout(() => void refetch(), 2500);
}

async function refetch(): Promise<void> {
  await Promise.all([client.refetchQueries({ queryKey: queries.models().queryKey }), client.refetchQueries({ queryKey: queries.loras.queryKey }), client.invalidateQueries({ queryKey: ["models"] })]);
}
