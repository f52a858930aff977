import { lazy, Suspense, useState } from "react";
import { Icon } from "@/ui/icons";
import { STATES } from "../models/words";
import type { Medium } from "./draft";
import type { Chosen } from "./useChosenModel";

const ModelPicker = lazy(() => import("./ModelPicker"));

/** The chosen model; opens the picker. */
export function ModelButton({ medium, chosen, onChoose }: { medium: Medium; chosen: Chosen; onChoose: (id: string) => void }) {
  const [open, setOpen] = useState(false);
  const model = chosen.model;
  const state = model?.availability.state;
  return (
    <div>
      <p className="label mb-1" id="model-label">Model</p>
      <button type="button" className="field flex items-center gap-3 text-left" aria-haspopup="dialog" aria-labelledby="model-label model-name model-backend" onClick={() => setOpen(true)}>
        <span className="min-h-[3.1rem] min-w-0 flex-1 py-0.5">
          <span id="model-name" className="block truncate font-medium">{model?.title ?? (chosen.id || "Choose a model")}</span>{" "}
          {model && <span id="model-backend" className="param block truncate text-dim">{model.backend}{state !== "ready" && state ? ` · ${STATES[state]}` : ""}</span>}
        </span>
        <Icon name="right" />
      </button>
      <Suspense>
        {open && <ModelPicker medium={medium} chosen={chosen.id} onClose={() => setOpen(false)} onChoose={(id) => { onChoose(id); setOpen(false); }} />}
      </Suspense>
    </div>
  );
}
