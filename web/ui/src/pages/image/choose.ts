// Which model a bench starts with, and everything that it reads before it is drawn.
import type { ModelSummary, Preferences, Session } from "@/api/client";
import { client, queries } from "@/api/queries";
import { kept } from "@/lib/kept";
import { promptsQuery } from "@/lib/prompts";
import type { Draft, Medium } from "./draft";

/** Whether a model belongs on the bench of this medium; what makes sound alone is run in the room of workflows. */
export const fits = (model: ModelSummary, medium: Medium): boolean =>
  model.mode === "sound" ? false : medium === "video" ? model.operations.includes("video") : model.operations.includes("generate") || model.operations.includes("edit");

interface Catalog {
  models: readonly ModelSummary[];
  default_model: string;
}

/** The model of the draft; else the person's default, the server's default, the first ready one on this machine, any. */
export function chooseModel(list: Catalog, preferences: Pick<Preferences, "default_models"> | undefined, medium: Medium, wanted: string): string {
  const models = list.models.filter((model) => fits(model, medium));
  const has = (id: string | undefined): string => (id && models.some((model) => model.id === id) ? id : "");
  const ready = models.filter((model) => model.availability.state === "ready");
  const preferred = preferences?.default_models[medium === "video" ? "video" : "generate"];
  const generates = ready.filter((model) => medium === "video" || model.operations.includes("generate"));
  const first = generates.find((model) => !model.data_leaves_machine) ?? generates[0] ?? ready[0] ?? models[0];
  return has(wanted) || has(preferred) || has(list.default_model) || first?.id || "";
}

/** Whether a model can make a video over now. */
export const remakes = (model: ModelSummary): boolean => model.takes_video && fits(model, "video") && model.availability.state === "ready";

/** A model for a video that goes in: the one in use where it takes one, else as the bench would choose; empty when there is none. */
export function chooseRemaker(list: Catalog, preferences: Pick<Preferences, "default_models"> | undefined, inUse: string): string {
  return chooseModel({ ...list, models: list.models.filter(remakes) }, preferences, "video", inUse);
}

/** What was set in a session: as this browser keeps it, else as the server does. */
export function keptDraft(id: string, sessions: readonly Session[]): Partial<Draft> | undefined {
  return kept<Partial<Draft> | null>(`draft.${id}`, null) ?? (sessions.find((session) => session.id === id)?.state.draft as Partial<Draft> | undefined);
}

/** Reads what a bench shows first, so that it is drawn once and whole. */
export async function readBench(medium: Medium, asked: string | undefined): Promise<void> {
  void client.prefetchQuery(promptsQuery);
  const [{ sessions }, list, preferences] = await Promise.all([client.ensureQueryData(queries.sessions(medium)), client.ensureQueryData(queries.models()), client.ensureQueryData(queries.preferences)]);
  const session = asked ?? sessions[0]?.id ?? "";
  const model = chooseModel(list, preferences, medium, keptDraft(session, sessions)?.model ?? "");
  await Promise.all([
    model ? client.prefetchQuery(queries.model(model)) : null,
    session ? client.prefetchInfiniteQuery(queries.jobs({ session_id: session })) : null,
  ]);
}
