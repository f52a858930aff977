// The one way to the server: typed by its own OpenAPI document, errors with its own sentence and remedy.
import createClient from "openapi-fetch";
import { earlyFetch } from "@/lib/early";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];
export type Asset = Schemas["AssetView"];
export type AssetDetail = Schemas["AssetDetail"];
export type Capabilities = Schemas["Capabilities"];
export type Facts = Schemas["ImageFacts"];
export type ImageRef = Schemas["ImageRef"];
export type Job = Schemas["JobView"];
export type JobStatus = Schemas["JobStatusView"];
export type JobRequest = Partial<Schemas["JobRequest"]>;
export type Model = Schemas["ModelView"];
export type ModelSummary = Schemas["ModelSummary"];
export type Note = Schemas["NoteView"];
export type NumberRange = Schemas["Range"];
export type Provider = Schemas["ConnectionView"];
export type Session = Schemas["SessionView"];
export type Sizes = Schemas["Sizes"];
export type Preferences = Schemas["PreferencesView"];

/** What went wrong, in the server's words. `status` is 0 when it did not answer. */
export class Problem extends Error {
  readonly code: string;
  readonly field: string | null;
  readonly fix: string | null;
  readonly status: number;

  constructor(status: number, plain: Partial<Schemas["ErrorDetail"]>) {
    super(plain.message ?? `The server answered ${status}.`);
    this.status = status;
    this.code = plain.code ?? "error";
    this.field = plain.field ?? null;
    this.fix = plain.fix ?? null;
  }

  /** Message and remedy in one sentence or two. */
  get sentence(): string {
    return [this.message, this.fix].filter(Boolean).join(" ");
  }
}

export const api = createClient<paths>({ baseUrl: globalThis.location?.origin ?? "", fetch: earlyFetch });

let onSignIn: () => void = () => undefined;

/** Names what is done when the server asks for a key. */
export function whenKeyIsNeeded(action: () => void): void {
  onSignIn = action;
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Returns the data of a call, or throws a `Problem`. */
export async function take<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch {
    throw new Problem(0, { code: "no_answer", message: "The server does not answer.", fix: "Is it still running?" });
  }
  if (answer.response.ok) return answer.data as T;
  if (answer.response.status === 401) onSignIn();
  const plain = (answer.error as { error?: Partial<Schemas["ErrorDetail"]> } | undefined)?.error;
  throw new Problem(answer.response.status, plain ?? {});
}

/** The sentence of any error. */
export function sentenceOf(error: unknown): string {
  if (error instanceof Problem) return error.sentence;
  return error instanceof Error ? error.message : String(error);
}
