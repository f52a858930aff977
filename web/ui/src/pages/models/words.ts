import type { Model, ModelSummary } from "@/api/client";
import { bytes, money } from "@/lib/format";

export const STATES: Record<Model["availability"]["state"], string> = {
  ready: "Ready",
  needs_download: "Not downloaded",
  needs_key: "Needs a key",
  needs_install: "Needs a package",
  needs_approval: "Needs approval",
  too_large: "Too large for this machine",
  offline: "Not reachable",
};

/** What makes a model ready, as one reads it on a page that has the button for it. */
export function remedy(model: Pick<ModelSummary, "availability" | "downloadable" | "disk_gb">): string {
  if (model.availability.state === "needs_download" && model.downloadable) return model.disk_gb ? `About ${bytes(model.disk_gb * 1e9)} to fetch.` : "To be fetched first.";
  return model.availability.fix ?? "";
}

export const OPERATIONS = { generate: "Text to image", edit: "Image to image", video: "Video", upscale: "Upscale" } as const;

const SOUND: Partial<Record<keyof typeof OPERATIONS, string>> = { generate: "Text to sound", edit: "Sound to sound" };

/** What a model does, in words; `sound` for one that makes nothing else. */
export const operationWords = (operations: readonly string[], sound: boolean): string =>
  operations.map((name) => (sound && SOUND[name as keyof typeof OPERATIONS]) || (OPERATIONS[name as keyof typeof OPERATIONS] ?? name)).join(", ");

/** What one use costs, in few words. */
export function priceWords(model: Pick<ModelSummary, "price" | "data_leaves_machine">): string {
  if (!model.price) return model.data_leaves_machine ? "price not told" : "no charge";
  return `${money(model.price.amount, model.price.currency)} / ${model.price.per.replaceAll("_", " ")}`;
}

/** Models whose words all occur in name, id, backend, tags or description; ready ones first, then those on this machine. */
export function findModels(models: readonly ModelSummary[], text: string): ModelSummary[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rank = (model: ModelSummary): number => (model.availability.state === "ready" ? 0 : 2) + (model.data_leaves_machine ? 1 : 0);
  return models
    .filter((model) => {
      const hay = `${model.title} ${model.id} ${model.family} ${model.author} ${model.category} ${model.tags.join(" ")} ${model.description}`.toLowerCase();
      return words.every((word) => hay.includes(word));
    })
    .sort((a, b) => rank(a) - rank(b));
}
