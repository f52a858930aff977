// What the addresses of the Civitai pages say. The router reads it, so it stays small.
/** Kinds that backends here load, by Civitai's name; several of its kinds are one to people. */
export const KINDS: readonly (readonly [name: string, types: readonly string[]])[] = [
  ["Checkpoints", ["Checkpoint"]],
  ["LoRA", ["LORA", "LoCon", "DoRA"]],
  ["Embeddings", ["TextualInversion"]],
  ["ControlNet", ["Controlnet"]],
  ["Upscalers", ["Upscaler"]],
  ["VAE", ["VAE"]],
  ["Motion", ["MotionModule"]],
];
export const SORTS = ["Highest Rated", "Most Downloaded", "Newest", "Most Liked", "Most Collected", "Most Discussed"] as const;
export const PERIODS = [["AllTime", "Of all time"], ["Year", "Of this year"], ["Month", "Of this month"], ["Week", "Of this week"], ["Day", "Of today"]] as const;

export interface Search {
  q?: string;
  kind?: string;
  sort?: (typeof SORTS)[number];
  period?: (typeof PERIODS)[number][0];
  base?: string;
  tag?: string;
  by?: string;
  nsfw?: true;
}

const text = (value: unknown): string | undefined => (typeof value === "string" || typeof value === "number" ? String(value).slice(0, 200) || undefined : undefined);

/** What the address of the search page says; anything else in it is dropped. */
export function readSearch(raw: Record<string, unknown>): Search {
  const found: { [name in keyof Search]: Search[name] | undefined } = {
    q: text(raw.q),
    kind: KINDS.find(([name]) => name === raw.kind)?.[0],
    sort: SORTS.find((name) => name === raw.sort),
    period: PERIODS.find(([name]) => name === raw.period)?.[0],
    base: text(raw.base),
    tag: text(raw.tag),
    by: text(raw.by),
    nsfw: raw.nsfw === true || raw.nsfw === "true" ? true : undefined,
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)) as Search;
}

/** What the address of a model says. */
export function readModelSearch(raw: Record<string, unknown>): { version?: number; nsfw?: true } {
  const version = Number(raw.version);
  return { ...(Number.isInteger(version) && version > 0 ? { version } : {}), ...(raw.nsfw === true || raw.nsfw === "true" ? { nsfw: true as const } : {}) };
}

/** The search as the server takes it. */
export function toQuery(search: Search) {
  const types = KINDS.find(([name]) => name === search.kind)?.[1];
  return {
    ...(search.q ? { query: search.q } : {}),
    ...(types ? { types: [...types] } : {}),
    ...(search.sort ? { sort: search.sort } : {}),
    ...(search.period ? { period: search.period } : {}),
    ...(search.base ? { base_models: [search.base] } : {}),
    ...(search.tag ? { tag: search.tag } : {}),
    ...(search.by ? { username: search.by } : {}),
    ...(search.nsfw ? { nsfw: true } : {}),
  };
}
