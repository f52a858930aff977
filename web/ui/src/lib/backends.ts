import { useQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";

const PAGES = { comfyui: ["/workflows", "Workflows"], civitai: ["/civitai", "Civitai"] } as const;
export type BackendPage = (typeof PAGES)[keyof typeof PAGES];

/** Pages that are there only where the server has their backend. */
export function useBackendPages(): readonly BackendPage[] {
  const { data } = useQuery({ ...queries.plugins, staleTime: Infinity });
  return data?.loaded.flatMap(({ id }) => (id in PAGES ? [PAGES[id as keyof typeof PAGES]] : [])) ?? [];
}
