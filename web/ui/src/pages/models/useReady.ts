import { useQuery } from "@tanstack/react-query";
import type { ModelSummary } from "@/api/client";
import { type Operation, queries } from "@/api/queries";
import { remakes } from "../image/choose";

/** Models that can do `operation` with pictures now, out of the one list that every page shares. */
export function useReady(operation: Operation): ModelSummary[] {
  const models = useQuery(queries.models()).data?.models ?? [];
  return models.filter((model) => model.mode !== "sound" && model.operations.includes(operation) && model.availability.state === "ready");
}

/** What is said where a model of that id ran and no sum is known. */
export function useNoCharge(id: string): string {
  const model = useQuery(queries.models()).data?.models.find((item) => item.id === id);
  return model && !model.data_leaves_machine ? "no charge" : "";
}

/** Models that can make a file of this kind larger now. */
export function useUpscalers(kind: "image" | "video" | "audio"): ModelSummary[] {
  return useReady("upscale").filter((model) => kind !== "audio" && model.enlarges.includes(kind));
}

/** Whether a model here can make a video over now. */
export const useRemakes = (): boolean => useQuery(queries.models()).data?.models.some(remakes) ?? false;
