import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { api, type ModelSummary, sentenceOf, take } from "@/api/client";
import { client, queries } from "@/api/queries";
import { moment } from "@/lib/format";
import type { ModelSearch } from "@/lib/search";
import { useTitle } from "@/lib/useTitle";
import { Icon } from "@/ui/icons";
import { say } from "@/ui/toasts";
import { Sample } from "./Sample";
import { findModels, OPERATIONS, operationWords, priceWords, remedy, STATES } from "./words";

const route = getRouteApi("/models");

/** The catalog over all backends. */
export default function ModelsPage() {
  useTitle("Models");
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error } = useQuery(queries.models());
  const [busy, setBusy] = useState(false);
  const set = (changes: ModelSearch) => void navigate({ search: (old) => ({ ...old, ...changes }), replace: true });
  const all = useMemo(() => data?.models ?? [], [data]);
  const found = useMemo(
    () => findModels(all, search.q ?? "").filter((model) => (!search.operation || model.operations.includes(search.operation)) && (!search.backend || model.backend === search.backend) && (!search.category || model.category === search.category) && (!search.state || model.availability.state === search.state)),
    [all, search],
  );
  const refresh = async () => {
    setBusy(true);
    try {
      client.setQueryData(queries.models().queryKey, await take(api.POST("/api/models/refresh", { params: { query: {} } })));
      say("The lists are fresh.");
    } catch (problem) {
      say(sentenceOf(problem), "wrong");
    } finally {
      setBusy(false);
    }
  };
  const troubled = data?.backends.filter((backend) => backend.error || backend.stale) ?? [];
  const options = (values: readonly string[]) => [...new Set(values)].sort().map((value) => <option key={value} value={value}>{value}</option>);
  return (
    <div className="page">
      <div className="page-head">
        <h1 className="title">Models</h1>
        <div className="toolbar"><span className="param text-dim" role="status">{data ? `${found.length.toLocaleString("en")} of ${all.length.toLocaleString("en")}` : ""}</span>
          <button type="button" className="button" disabled={busy} onClick={() => void refresh()}><Icon name="again" />Ask the backends anew</button></div>
      </div>
      {error && <p className="wrong" role="alert">{sentenceOf(error)}</p>}
      {troubled.map((backend) => <p key={backend.id} className="note mb-2">{backend.title}: {backend.error ?? "its list is old"}{backend.fetched_at ? `; this one is from ${moment(backend.fetched_at)}` : ""}.</p>)}
      <div className="toolbar mb-3">
        <input data-slash type="search" className="field min-w-48 !w-auto flex-1" placeholder="Search models" aria-label="Search models" value={search.q ?? ""} onChange={(event) => set({ q: event.target.value || undefined })} />
        <select className="field !w-44" aria-label="Operation" value={search.operation ?? ""} onChange={(event) => set({ operation: (event.target.value || undefined) as ModelSearch["operation"] })}>
          <option value="">Every operation</option>
          {Object.entries(OPERATIONS).map(([name, words]) => <option key={name} value={name}>{words}</option>)}
        </select>
        <select className="field !w-44" aria-label="Backend" value={search.backend ?? ""} onChange={(event) => set({ backend: event.target.value || undefined })}><option value="">Every backend</option>{options(all.map((model) => model.backend))}</select>
        <select className="field !w-44" aria-label="Category" value={search.category ?? ""} onChange={(event) => set({ category: event.target.value || undefined })}><option value="">Every category</option>{options(all.map((model) => model.category))}</select>
        <select className="field !w-44" aria-label="Availability" value={search.state ?? ""} onChange={(event) => set({ state: event.target.value || undefined })}>
          <option value="">Any availability</option>
          {[...new Set(all.map((model) => model.availability.state))].map((state) => <option key={state} value={state}>{STATES[state]}</option>)}
        </select>
      </div>
      {data && !found.length ? <p className="hint">No model fits.</p> : <Catalog models={found} />}
    </div>
  );
}

function Catalog({ models }: { models: readonly ModelSummary[] }) {
  const list = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  useEffect(() => setTop((list.current?.getBoundingClientRect().top ?? 0) + window.scrollY), []);
  const rows = useWindowVirtualizer({ count: models.length, estimateSize: () => 76, overscan: 8, scrollMargin: top });
  return (
    <ul ref={list} className="relative border-t border-line" style={{ height: rows.getTotalSize() }} aria-label="Models">
      {rows.getVirtualItems().map((row) => {
        const model = models[row.index];
        return model && (
          <li key={model.id} ref={rows.measureElement} data-index={row.index} className="absolute inset-x-0 top-0 border-b border-line" style={{ transform: `translateY(${row.start - rows.options.scrollMargin}px)` }}>
            <Link to="/model/$" params={{ _splat: model.id }} className="model-row grid-cols-[3.5rem_minmax(0,1fr)] px-1 md:grid-cols-[3.5rem_minmax(0,1fr)_12rem_9rem_9rem]">
              <Sample model={model} />
              <span className="min-w-0"><span className="text-[1.05rem] font-medium">{model.title}</span> <span className="param text-dim">{model.id}</span>
                {model.description && <span className="hint line-clamp-1">{model.description}</span>}
                {remedy(model) && <span className="hint block">{remedy(model)}</span>}</span>
              <span className="label max-md:col-start-2">{operationWords(model.operations, model.mode === "sound")}</span>
              <span className={`param max-md:hidden ${model.availability.state === "ready" ? "" : "text-dim"}`}>{STATES[model.availability.state]}</span>
              <span className="param max-md:col-start-2 md:text-right"><span className="md:hidden">{STATES[model.availability.state]}, </span>{priceWords(model)}</span>
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
