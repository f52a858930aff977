import { useQuery } from "@tanstack/react-query";
import type { ModelSummary } from "@/api/client";
import { type Operation, queries } from "@/api/queries";

/** Models that can do `operation` with pictures now, out of the one list that every page shares. */
export function useReady(operation: Operation): ModelSummary[] {
  const models = useQuery(queries.models()).data?.models ?? [];
  return models.filter((model) => model.mode !== "sound" && model.operations.includes(operation) && model.availability.state === "ready");
}
