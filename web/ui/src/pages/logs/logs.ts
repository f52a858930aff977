// The log as pages of a list.
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { client } from "@/api/queries";
import type { LogSearch } from "@/lib/search";

export type LogEntry = Awaited<ReturnType<typeof readPage>>["logs"][number];

const readPage = (filter: LogSearch, cursor: string, signal: AbortSignal) =>
  take(api.GET("/api/settings/logs", { params: { query: { limit: 50, ...filter, ...(cursor ? { cursor } : {}) } }, signal }));

export const logQuery = (filter: LogSearch) =>
  infiniteQueryOptions({
    queryKey: ["logs", "list", filter],
    queryFn: ({ pageParam, signal }) => readPage(filter, pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });

export const logDetail = (id: string) =>
  queryOptions({
    queryKey: ["logs", "one", id],
    queryFn: ({ signal }) => take(api.GET("/api/settings/logs/{log_id}", { params: { path: { log_id: id } }, signal })),
  });

/** What changes when a request is forgotten: the log, and every list of jobs. */
async function refresh(): Promise<void> {
  await Promise.all(["logs", "jobs"].map((key) => client.invalidateQueries({ queryKey: [key] })));
}

export async function deleteLog(id: string): Promise<void> {
  await take(api.DELETE("/api/settings/logs/{log_id}", { params: { path: { log_id: id } } }));
  await refresh();
}

/** Forgets all finished requests that fit; returns how many. */
export async function clearLogs(filter: LogSearch): Promise<number> {
  const { removed } = await take(api.DELETE("/api/settings/logs", { params: { query: filter } }));
  await refresh();
  return removed;
}
