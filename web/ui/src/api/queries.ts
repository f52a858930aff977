// What pages read, by name. Keys start with the noun, so that a noun can be refreshed as a whole.
import { infiniteQueryOptions, keepPreviousData, QueryClient, queryOptions } from "@tanstack/react-query";
import { api, type JobRequest, type Model, Problem, take } from "./client";

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      retry: (count, error) => count < 3 && error instanceof Problem && (error.status === 0 || error.status === 503),
      retryDelay: (count) => Math.min(500 * 2 ** count, 4000),
    },
  },
});

export const SESSIONS = 200;

function readSessions(kind: "image" | "video", query: { deleted: boolean; limit: number; before?: number }, signal: AbortSignal) {
  const call = { params: { query }, signal };
  return take(kind === "image" ? api.GET("/api/sessions", call) : api.GET("/api/video-sessions", call));
}

export type Operation = "generate" | "edit" | "video" | "upscale";

export const queries = {
  models: () =>
    queryOptions({
      queryKey: ["models", "all"],
      queryFn: ({ signal }) => take(api.GET("/api/models", { params: { query: {} }, signal })),
      staleTime: 60_000,
    }),
  model: (id: string) =>
    queryOptions({
      queryKey: ["model", id],
      queryFn: ({ signal }) => take(api.GET("/api/models/{model_id}", { params: { path: { model_id: id } }, signal })) as Promise<Model>, // its pairs of numbers come out of the client as lists
      enabled: id !== "",
      staleTime: 60_000,
      placeholderData: keepPreviousData,
    }),
  canGenerate: (id: string) =>
    queryOptions({
      queryKey: ["model", id, "fit"],
      queryFn: ({ signal }) => take(api.GET("/api/system/can-generate/{model_id}", { params: { path: { model_id: id } }, signal })),
    }),
  status: queryOptions({
    queryKey: ["system"],
    queryFn: ({ signal }) => take(api.GET("/api/system/status", { signal })),
    refetchInterval: 15_000,
  }),
  systemSettings: queryOptions({
    queryKey: ["system", "settings"],
    queryFn: ({ signal }) => take(api.GET("/api/settings/system", { signal })),
    staleTime: 300_000,
  }),
  preferences: queryOptions({
    queryKey: ["preferences"],
    queryFn: ({ signal }) => take(api.GET("/api/settings", { signal })),
    staleTime: 300_000,
  }),
  costs: queryOptions({
    queryKey: ["costs", "today"],
    queryFn: ({ signal }) => {
      const since = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
      return take(api.GET("/api/costs", { params: { query: { by: "backend", since } }, signal }));
    },
  }),
  costsBy: (by: "day" | "model" | "session" | "backend") =>
    queryOptions({
      queryKey: ["costs", by],
      queryFn: ({ signal }) => take(api.GET("/api/costs", { params: { query: { by } }, signal })),
      placeholderData: keepPreviousData,
    }),
  estimate: (request: JobRequest | null) =>
    queryOptions({
      queryKey: ["estimate", request],
      queryFn: ({ signal }) => take(api.POST("/api/estimate", { body: request as never, signal })),
      enabled: request !== null,
      placeholderData: keepPreviousData,
      retry: false,
      staleTime: 30_000,
    }),
  loras: queryOptions({
    queryKey: ["loras"],
    queryFn: ({ signal }) => take(api.GET("/api/loras", { params: { query: {} }, signal })),
    staleTime: 60_000,
  }),
  queue: queryOptions({
    queryKey: ["queue"],
    queryFn: ({ signal }) => take(api.GET("/api/queue", { signal })),
  }),
  active: queryOptions({
    queryKey: ["jobs", "active"],
    queryFn: ({ signal }) => take(api.GET("/api/queue/jobs", { params: { query: { limit: 200 } }, signal })),
  }),
  job: (id: string) =>
    queryOptions({
      queryKey: ["jobs", "one", id],
      queryFn: ({ signal }) => take(api.GET("/api/jobs/{job_id}", { params: { path: { job_id: id } }, signal })),
    }),
  jobs: (filter: { session_id?: string; status?: "completed" | "failed" | "cancelled"; kind?: "generate" | "edit" | "video" | "upscale" | "download"; limit?: number }) =>
    infiniteQueryOptions({
      queryKey: ["jobs", "list", filter],
      queryFn: ({ pageParam, signal }) =>
        take(api.GET("/api/jobs", { params: { query: { limit: 30, ...filter, ...(pageParam ? { cursor: pageParam } : {}) } }, signal })),
      initialPageParam: "",
      getNextPageParam: (page) => page.next_cursor,
    }),
  /** The sessions used last; those before them come page by page. */
  sessions: (kind: "image" | "video") =>
    queryOptions({
      queryKey: ["sessions", kind, "last"],
      queryFn: ({ signal }) => readSessions(kind, { deleted: false, limit: SESSIONS }, signal),
    }),
  allSessions: (kind: "image" | "video", deleted: boolean) =>
    infiniteQueryOptions({
      queryKey: ["sessions", kind, "all", deleted],
      queryFn: ({ pageParam, signal }) => readSessions(kind, { deleted, limit: SESSIONS, ...(pageParam ? { before: pageParam } : {}) }, signal),
      initialPageParam: 0,
      getNextPageParam: ({ sessions }) => (sessions.length === SESSIONS ? Date.parse(sessions.at(-1)?.updated_at ?? "") / 1000 : null),
    }),
  session: (kind: "image" | "video", id: string) =>
    queryOptions({
      queryKey: ["sessions", kind, "one", id],
      queryFn: ({ signal }) => {
        const call = { params: { path: { session_id: id } }, signal };
        return take(kind === "image" ? api.GET("/api/sessions/{session_id}", call) : api.GET("/api/video-sessions/{session_id}", call));
      },
    }),
  asset: (id: string) =>
    queryOptions({
      queryKey: ["assets", "one", id],
      queryFn: ({ signal }) => take(api.GET("/api/assets/{asset_id}", { params: { path: { asset_id: id } }, signal })),
      enabled: id !== "",
      staleTime: 60_000,
    }),
  providers: queryOptions({
    queryKey: ["providers"],
    queryFn: ({ signal }) => take(api.GET("/api/providers", { signal })),
  }),
  plugins: queryOptions({
    queryKey: ["plugins"],
    queryFn: ({ signal }) => take(api.GET("/api/plugins", { signal })),
  }),
  cache: queryOptions({
    queryKey: ["models", "cache"],
    queryFn: ({ signal }) => take(api.GET("/api/models/cache-status", { signal })),
  }),
};

/** What changes when a job ends. */
export function refreshAfterJob(): void {
  for (const key of ["jobs", "logs", "assets", "costs", "estimate", "queue", "sessions"]) void client.invalidateQueries({ queryKey: [key] });
}
