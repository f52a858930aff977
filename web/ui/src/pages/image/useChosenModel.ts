import { useQuery } from "@tanstack/react-query";
import type { Model } from "@/api/client";
import { queries } from "@/api/queries";
import { chooseModel } from "./choose";
import type { Medium } from "./draft";

export interface Chosen {
  id: string;
  model: Model | undefined;
  error: unknown;
}

/** The model that the bench works with. */
export function useChosenModel(medium: Medium, wanted: string): Chosen {
  const list = useQuery(queries.models());
  const preferences = useQuery(queries.preferences);
  const id = list.data && !preferences.isPending ? chooseModel(list.data, preferences.data, medium, wanted) : "";
  const one = useQuery(queries.model(id));
  return { id, model: one.data?.id === id ? one.data : undefined, error: list.error ?? one.error };
}
