// What pages read from the address. Anything else in it is dropped.
type Raw = Record<string, unknown>;

const text = (value: unknown): string | undefined => {
  const plain = typeof value === "number" || typeof value === "boolean" ? String(value) : value;
  return typeof plain === "string" && plain !== "" ? plain.slice(0, 500) : undefined;
};
const oneOf = <T extends string>(value: unknown, words: readonly T[]): T | undefined => words.find((word) => word === value);
const whole = (value: unknown): number | undefined => {
  const number = Number(text(value));
  return Number.isInteger(number) && number >= 0 && text(value) !== undefined ? number : undefined;
};

function clean<T extends Raw>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

export interface DeskSearch {
  session?: string;
  model?: string;
  prompt?: string;
  from?: string;
  take?: "all" | "seed" | "prompt" | "reference" | "vary" | "start" | "source";
}
export const deskSearch = (raw: Raw): DeskSearch =>
  clean({
    session: text(raw.session)?.match(/^[A-Za-z0-9_-]{1,64}$/)?.[0],
    model: text(raw.model),
    prompt: text(raw.prompt),
    from: text(raw.from),
    take: oneOf(raw.take, ["all", "seed", "prompt", "reference", "vary", "start", "source"] as const),
  });

export const TABS = ["all", "image", "video", "audio", "favourites", "trash"] as const;
export interface GallerySearch {
  tab?: (typeof TABS)[number];
  q?: string;
  model?: string;
  session?: string;
  lora?: string;
  seed?: number;
  size?: string;
  operation?: "generate" | "edit" | "video" | "upscale";
  since?: string;
  until?: string;
}
export const gallerySearch = (raw: Raw): GallerySearch =>
  clean({
    tab: oneOf(raw.tab, TABS),
    q: text(raw.q),
    model: text(raw.model),
    session: text(raw.session),
    lora: text(raw.lora),
    seed: whole(raw.seed),
    size: text(raw.size)?.match(/^\d{1,5}x\d{1,5}$/)?.[0],
    operation: oneOf(raw.operation, ["generate", "edit", "video", "upscale"] as const),
    since: text(raw.since)?.match(/^\d{4}-\d\d-\d\d$/)?.[0],
    until: text(raw.until)?.match(/^\d{4}-\d\d-\d\d$/)?.[0],
  });

export interface ModelSearch {
  q?: string;
  operation?: "generate" | "edit" | "video" | "upscale";
  backend?: string;
  category?: string;
  state?: string;
}
export const modelSearch = (raw: Raw): ModelSearch =>
  clean({
    q: text(raw.q),
    operation: oneOf(raw.operation, ["generate", "edit", "video", "upscale"] as const),
    backend: text(raw.backend),
    category: text(raw.category),
    state: text(raw.state),
  });

export const LOG_TYPES = ["generate", "edit", "video", "upscale", "download"] as const;
export const LOG_STATES = ["queued", "generating", "completed", "failed", "cancelled", "refused"] as const;
export interface LogSearch {
  type?: (typeof LOG_TYPES)[number];
  status?: (typeof LOG_STATES)[number];
}
export const logSearch = (raw: Raw): LogSearch => clean({ type: oneOf(raw.type, LOG_TYPES), status: oneOf(raw.status, LOG_STATES) });

export const compareSearch = (raw: Raw): { a?: string; b?: string } => clean({ a: text(raw.a), b: text(raw.b) });
export const queueSearch = (raw: Raw): { show?: "completed" | "failed" | "cancelled" } =>
  clean({ show: oneOf(raw.show, ["completed", "failed", "cancelled"] as const) });
