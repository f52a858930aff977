import { useQuery } from "@tanstack/react-query";
import type { Model, ModelSummary } from "@/api/client";
import { queries } from "@/api/queries";
import type { Medium } from "./draft";

export interface Chosen {
  id: string;
  model: Model | undefined;
  error: unknown;
}

const fits = (model: ModelSummary, medium: Medium): boolean =>
  medium === "video" ? model.operations.includes("video") : model.operations.includes("generate") || model.operations.includes("edit");

/** The model of the draft; else the person's default, the server's default, the first ready one on this machine, any. */
export function useChosenModel(medium: Medium, wanted: string): Chosen {
  const list = useQuery(queries.models());
  const preferences = useQuery(queries.preferences);
  const models = (list.data?.models ?? []).filter((model) => fits(model, medium));
  const has = (id: string | undefined): string => (id && models.some((model) => model.id === id) ? id : "");
  const ready = models.filter((model) => model.availability.state === "ready");
  const preferred = preferences.data?.default_models[medium === "video" ? "video" : "generate"];
  const generates = ready.filter((model) => medium === "video" || model.operations.includes("generate"));
  const first = generates.find((model) => !model.data_leaves_machine) ?? generates[0] ?? ready[0] ?? models[0];
  const id = list.data && !preferences.isPending ? has(wanted) || has(preferred) || has(list.data.default_model) || first?.id || "" : "";
  const one = useQuery(queries.model(id));
  return { id, model: one.data?.id === id ? one.data : undefined, error: list.error ?? one.error };
}
