// Civitai's words, and what on this machine belongs to them. Pure functions; tests/civitai.test.ts proves them.
import type { LoraLine } from "./queries";
import type { components } from "@/api/schema";
import type { Job, ModelSummary } from "@/api/client";

type Schemas = components["schemas"];
export type Card = Schemas["CivitaiModelSummary"];
export type Model = Schemas["CivitaiModel"];
export type Version = Schemas["CivitaiVersion"];
export type File = Schemas["CivitaiFile"];
export type Preview = Schemas["CivitaiImage"];

/** Base models as Civitai names them, the older first. */
export const BASES = [
  "SD 1.5", "SD 1.5 LCM", "SD 2.1", "SDXL 1.0", "SDXL Turbo", "SDXL Lightning", "SDXL Hyper", "Pony", "Illustrious", "NoobAI", "SD 3", "SD 3.5 Large", "SD 3.5 Medium",
  "Flux.1 D", "Flux.1 S", "Flux.1 Kontext", "Chroma", "HiDream", "Qwen", "ZImageTurbo", "Wan Video 2.2 T2V-A14B", "Hunyuan Video", "LTXV", "CogVideoX", "SVD",
] as const;

/** A preview by way of our own server: the page loads nothing from elsewhere. */
export const previewUrl = (url: string, size: "card" | "page"): string => `/api/civitai/preview?url=${encodeURIComponent(url)}&size=${size}`;

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";

/** The mean colour that a BlurHash carries; null for what is none. */
export function meanColour(hash: string | null): string | null {
  if (!hash || hash.length < 6) return null;
  let value = 0;
  for (const letter of hash.slice(2, 6)) {
    const digit = DIGITS.indexOf(letter);
    if (digit < 0) return null;
    value = value * 83 + digit;
  }
  return value > 0xffffff ? null : `rgb(${value >> 16} ${(value >> 8) & 255} ${value & 255})`;
}

/** `1.2k`, `3.4M`. */
export function count(value: number): string {
  return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

const USES: Record<string, string> = { Image: "selling pictures", RentCivit: "running it on Civitai", Rent: "running it as a service", Sell: "selling the model" };

/** Licence flags as facts: what one may do, and whether it is allowed; null where nobody said. */
export function licence(flags: Model["license"]): [what: string, may: boolean | null, words: string][] {
  const uses = flags.commercial_use?.filter((use) => use !== "None");
  return [
    ["Credit", flags.credit_required === null ? null : !flags.credit_required, flags.credit_required === null ? "not told" : flags.credit_required ? "has to be given" : "need not be given"],
    ["Commercial use", uses === undefined ? null : uses.length > 0, uses === undefined ? "not told" : uses.length ? uses.map((use) => USES[use] ?? use).join(", ") : "not allowed"],
    ["Changed versions", flags.derivatives, flags.derivatives === null ? "not told" : flags.derivatives ? "may be shared" : "may not be shared"],
    ["Under other terms", flags.different_license, flags.different_license === null ? "not told" : flags.different_license ? "allowed" : "not allowed"],
  ];
}

/** What a file is, in few words: `safetensors, fp16, pruned`. */
export function fileWords(file: File): string {
  const format = file.format === "SafeTensor" ? "safetensors" : file.format === "PickleTensor" ? "pickle" : file.format;
  return [file.type === "Model" ? "" : file.type, format, file.precision, file.variant].filter(Boolean).join(", ");
}

/** Number of the version, and of the file where it is named, that a download fetches: `civitai:20/200`. */
export function downloadOf(job: Pick<Job, "model">): { version: number; file: number | null } | null {
  const found = /^civitai:(\d+)(?:\/(\d+))?$/.exec(job.model);
  return found ? { version: Number(found[1]), file: found[2] ? Number(found[2]) : null } : null;
}

export type Here = { kind: "model"; id: string; title: string } | { kind: "lora"; id: string; title: string; triggers: readonly string[]; weight: number };

/** The model or LoRA of this machine that a file became: its name ends with version and file. */
export function here(version: number, file: number, models: readonly Pick<ModelSummary, "id" | "title" | "backend">[], loras: readonly LoraLine[]): Here | null {
  const ending = `-${version}-${file}`;
  const model = models.find((item) => item.id.startsWith("local:") && item.id.endsWith(ending));
  if (model) return { kind: "model", id: model.id, title: model.title };
  const lora = loras.find((item) => item.id.endsWith(ending));
  return lora ? { kind: "lora", id: lora.id, title: lora.title, triggers: lora.triggers, weight: lora.weight } : null;
}

/** Whether an error is about a key that is not set or not right. */
export const aboutKey = (error: { message: string; fix?: string | null } | null | undefined): boolean => /\b(api )?key\b|logged in|token/i.test(`${error?.message ?? ""} ${error?.fix ?? ""}`);
