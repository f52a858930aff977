import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Capabilities, JobRequest, Model } from "@/api/client";
import { queries } from "@/api/queries";
import { aboutSeconds, money } from "@/lib/format";
import { type Draft, type Operation, toRequest } from "./draft";
import { priceOf, secondsOf } from "./estimate";

interface Props {
  model: Model;
  operation: Operation;
  caps: Capabilities;
  draft: Draft;
}

/** What it will take, before it is pressed: the server's own estimate, else what the price list and earlier runs say. */
export function Estimate({ model, operation, caps, draft }: Props) {
  const told = useQuery(queries.estimate(useSettled(askable(toRequest(draft, model, operation, caps))))).data;
  const finished = useInfiniteQuery({ ...queries.jobs({ status: "completed", limit: 50 }), enabled: told?.seconds === null }).data?.pages[0]?.jobs ?? [];
  const count = draft.count ?? caps.images_out.default ?? 1;
  const run = told?.seconds ?? secondsOf(finished, model.id, count, draft.steps ?? caps.num_inference_steps?.default ?? null);
  const price = priceOf(model, draft, caps, run);
  const sums = Object.entries(told?.totals ?? {}).filter(([, amount]) => amount > 0);
  const cost = sums.length
    ? `about ${sums.map(([currency, amount]) => money(amount, currency)).join(" + ")}`
    : price ? `about ${money(price.amount, price.currency)}` : told?.unknown ? "price not known before" : model.price ? `${money(model.price.amount, model.price.currency)} per ${model.price.per.replaceAll("_", " ")}` : model.data_leaves_machine ? "price not told" : "no charge";
  const parts = [cost, run === null ? null : aboutSeconds(run), model.data_leaves_machine ? `sent to ${model.backend}` : "on this machine"];
  return (
    <>
      <p className="param text-[0.84rem] text-dim" aria-label="Estimate" role="group">{parts.filter(Boolean).join(" · ")}</p>
      {told?.refused && <p className="note">{told.refused}</p>}
    </>
  );
}

/** The request without what changes nothing about its cost; null where the server would have to take in a file to answer. */
function askable(request: JobRequest): JobRequest | null {
  const { reference_images, mask: _mask, control_images: _maps, ...rest } = request;
  const files = [...(reference_images ?? []), ...(rest.sounds ?? []), rest.media ?? ""];
  if (files.some((source) => source.startsWith("data:")) || (request.kind === "edit" && !reference_images?.length)) return null;
  return { ...rest, prompt: "estimate", ...(reference_images ? { reference_images } : {}) };
}

/** A value that has not changed for a moment. */
function useSettled(value: JobRequest | null): JobRequest | null {
  const text = JSON.stringify(value);
  const [settled, setSettled] = useState<string | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), 400);
    return () => clearTimeout(timer);
  }, [text]);
  return settled === null ? null : (JSON.parse(settled) as JobRequest | null);
}
