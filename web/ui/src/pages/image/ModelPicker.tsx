import { useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState } from "react";
import type { ModelSummary } from "@/api/client";
import { queries } from "@/api/queries";
import { Dialog } from "@/ui/Dialog";
import { findModels, OPERATIONS, priceWords, remedy, STATES } from "../models/words";
import { fits } from "./choose";
import { Sample } from "../models/Sample";
import type { Medium } from "./draft";

interface Props {
  medium: Medium;
  chosen: string;
  onChoose: (id: string) => void;
  onClose: () => void;
}

/** All models that fit the bench, to search and to narrow; those that are not ready say what makes them so. */
export default function ModelPicker({ medium, chosen, onChoose, onClose }: Props) {
  const { data } = useQuery(queries.models());
  const [text, setText] = useState("");
  const [backend, setBackend] = useState("");
  const [category, setCategory] = useState("");
  const [readyOnly, setReadyOnly] = useState(false);
  const all = useMemo(() => (data?.models ?? []).filter((model) => fits(model, medium)), [data, medium]);
  const found = useMemo(
    () => findModels(all, text).filter((model) => (!backend || model.backend === backend) && (!category || model.category === category) && (!readyOnly || model.availability.state === "ready")),
    [all, text, backend, category, readyOnly],
  );
  const backends = [...new Set(all.map((model) => model.backend))];
  const categories = [...new Set(all.map((model) => model.category))].sort();
  return (
    <Dialog title="Choose a model" onClose={onClose} wide>
      <div className="sticky top-0 z-10 flex flex-wrap items-center gap-2 border-b border-line bg-ground p-3">
        <input className="field min-w-52 flex-1" type="search" placeholder="Search models" aria-label="Search models" data-autofocus value={text} onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => { if (event.key === "Enter" && found[0]) { event.preventDefault(); onChoose(found[0].id); } }} />
        {backends.length > 1 && (
          <select className="field !w-auto min-w-28 flex-1 sm:!w-40 sm:flex-none" aria-label="Backend" value={backend} onChange={(event) => setBackend(event.target.value)}>
            <option value="">Every backend</option>
            {backends.map((item) => <option key={item}>{item}</option>)}
          </select>
        )}
        {categories.length > 1 && (
          <select className="field !w-auto min-w-28 flex-1 sm:!w-40 sm:flex-none" aria-label="Category" value={category} onChange={(event) => setCategory(event.target.value)}>
            <option value="">Every category</option>
            {categories.map((item) => <option key={item}>{item}</option>)}
          </select>
        )}
        <label className="flex items-center gap-2 whitespace-nowrap"><input type="checkbox" checked={readyOnly} onChange={(event) => setReadyOnly(event.target.checked)} />Ready only</label>
        <span className="param text-dim" role="status">{found.length} of {all.length}</span>
      </div>
      <Rows models={found} chosen={chosen} onChoose={onChoose} />
    </Dialog>
  );
}

function Rows({ models, chosen, onChoose }: { models: readonly ModelSummary[]; chosen: string; onChoose: (id: string) => void }) {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({ count: models.length, getScrollElement: () => scroller.current, estimateSize: () => 84, overscan: 6 });
  if (!models.length) return <p className="hint p-4">No model fits. Search for less, or show those that are not ready.</p>;
  return (
    <div ref={scroller} className="h-[min(34rem,60dvh)] overflow-y-auto" tabIndex={-1}>
      <ul className="relative" style={{ height: rows.getTotalSize() }} aria-label="Models">
        {rows.getVirtualItems().map((row) => {
          const model = models[row.index];
          if (!model) return null;
          return (
            <li key={model.id} ref={rows.measureElement} data-index={row.index} className="absolute inset-x-0 border-b border-line" style={{ transform: `translateY(${row.start}px)` }}>
              <ModelRow model={model} chosen={model.id === chosen} onChoose={onChoose} />
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function ModelRow({ model, chosen, onChoose }: { model: ModelSummary; chosen: boolean; onChoose: (id: string) => void }) {
  const ready = model.availability.state === "ready";
  return (
    <button type="button" className={`model-row w-full px-4 text-left grid-cols-[3.5rem_minmax(0,1fr)] sm:grid-cols-[3.5rem_minmax(0,1fr)_auto] ${chosen ? "border-l-4 border-mark bg-raised" : "border-l-4 border-transparent"}`} aria-pressed={chosen} onClick={() => onChoose(model.id)}>
      <Sample model={model} />
      <span className="min-w-0">
        <span className="font-medium">{model.title}</span> <span className="param text-dim">{model.id}</span>
        {model.description && <span className="hint line-clamp-1">{model.description}</span>}
        {!ready && <span className="block text-sm">{STATES[model.availability.state]}. <span className="text-dim">{remedy(model)}</span></span>}
      </span>
      <span className="flex flex-wrap items-baseline gap-x-4 max-sm:col-start-2 sm:flex-col sm:items-end">
        <span className="param">{priceWords(model)}</span>
        <span className="label">{model.operations.map((item) => OPERATIONS[item]).join(", ")}</span>
      </span>
    </button>
  );
}
