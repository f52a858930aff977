import { useInfiniteQuery } from "@tanstack/react-query";
import type { Capabilities, Model } from "@/api/client";
import { queries } from "@/api/queries";
import { money, seconds } from "@/lib/format";
import type { Draft } from "./draft";
import { priceOf, secondsOf } from "./estimate";

/** What it will take, before it is pressed. */
export function Estimate({ model, caps, draft }: { model: Model; caps: Capabilities; draft: Draft }) {
  const finished = useInfiniteQuery(queries.jobs({ status: "completed", limit: 50 })).data?.pages[0]?.jobs ?? [];
  const count = draft.count ?? caps.images_out.default ?? 1;
  const steps = draft.steps ?? caps.num_inference_steps?.default ?? null;
  const run = secondsOf(finished, model.id, count, steps);
  const price = priceOf(model, draft, caps, run);
  const parts = [
    price ? `about ${money(price.amount, price.currency)}` : model.price ? `${money(model.price.amount, model.price.currency)} per ${model.price.per.replaceAll("_", " ")}` : "no charge",
    run === null ? null : `about ${seconds(run)}`,
    model.data_leaves_machine ? `sent to ${model.backend}` : "on this machine",
  ];
  return <p className="param text-[0.84rem] text-dim" aria-label="Estimate">{parts.filter(Boolean).join(" · ")}</p>;
}
