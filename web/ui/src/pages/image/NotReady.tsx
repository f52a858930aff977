import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ModelSummary } from "@/api/client";
import { queries } from "@/api/queries";
import { findModels, priceWords, remedy, STATES } from "../models/words";
import { fits } from "./choose";
import type { Medium } from "./draft";

const SHOWN = 6;
const mayFetch = (model: ModelSummary): boolean => model.availability.state === "needs_download";

/** Where no model of the bench can run yet: what is nearest, and what makes it ready. */
export function NotReady({ medium }: { medium: Medium }) {
  const models = (useQuery(queries.models()).data?.models ?? []).filter((model) => fits(model, medium));
  if (!models.length || models.some((model) => model.availability.state === "ready")) return null;
  const near = findModels(models, "").sort((a, b) => Number(mayFetch(b)) - Number(mayFetch(a)) || (a.disk_gb ?? 1e9) - (b.disk_gb ?? 1e9));
  return (
    <section className="grid max-w-3xl gap-2 py-4" aria-label="No model is ready">
      <p className="note">No model that makes {medium === "video" ? "videos" : "pictures"} is ready on this server. Fetch one, or give a provider&apos;s key under <Link to="/settings" hash="providers" className="text-link">Settings</Link>.</p>
      <ul className="rows border-y border-line">
        {near.slice(0, SHOWN).map((model) => (
          <li key={model.id}>
            <Link to="/model/$" params={{ _splat: model.id }} className="grid gap-x-4 py-2 no-underline hover:bg-raised sm:grid-cols-[minmax(0,1fr)_auto]">
              <span className="min-w-0"><span className="font-medium">{model.title}</span> <span className="param text-dim">{model.backend}</span><span className="hint block">{STATES[model.availability.state]}. {remedy(model)}</span></span>
              <span className="param">{priceWords(model)}</span>
            </Link>
          </li>
        ))}
      </ul>
      {near.length > SHOWN && <Link to="/models" search={{ operation: medium === "video" ? "video" : "generate" }} className="text-link justify-self-start">All {near.length}</Link>}
    </section>
  );
}
