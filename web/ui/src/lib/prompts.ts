// The prompts that were used last. The server keeps them for every browser; what was just sent is here at once.
import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { client, queries } from "@/api/queries";

export const promptsQuery = queryOptions({
  queryKey: ["prompts"],
  queryFn: async ({ signal }) => (await take(api.GET("/api/settings/prompts", { signal }))).prompts,
  staleTime: 60_000,
});

/** Prompts used before, newest first, each once. */
export function usePrompts(): readonly string[] {
  return useQuery(promptsQuery).data ?? [];
}

/** Puts a prompt first. A list that cannot be stored is still at hand on this page. */
export function rememberPrompt(prompt: string): void {
  const text = prompt.trim();
  const limit = client.getQueryData(queries.preferences.queryKey)?.prompt_history ?? 20;
  if (!text || limit === 0) return;
  client.setQueryData(promptsQuery.queryKey, (old) => [text, ...(old ?? []).filter((item) => item !== text)].slice(0, limit));
  take(api.POST("/api/settings/prompts", { body: { prompt: text } }))
    .then(({ prompts }) => client.setQueryData(promptsQuery.queryKey, prompts))
    .catch(() => undefined);
}
