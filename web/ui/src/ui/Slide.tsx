import { useId } from "react";
import type { NumberRange } from "@/api/client";
import { fit } from "@/lib/numbers";

interface Props {
  label: string;
  range: Pick<NumberRange, "minimum" | "maximum" | "step" | "integer" | "default">;
  value: number | undefined;
  onChange: (value: number | undefined) => void;
  hint?: string;
  unit?: string;
}

/** A number with bounds: a scale to drag and a field to type in. Undefined stands for the model's own default. */
export function Slide({ label, range, value, onChange, hint, unit }: Props) {
  const id = useId();
  const shown = value ?? range.default ?? undefined;
  const step = range.step ?? (range.integer ? 1 : (range.maximum - range.minimum) / (range.maximum - range.minimum > 4 ? 200 : 100));
  const set = (text: string) => onChange(text === "" || Number.isNaN(Number(text)) ? undefined : fit(Number(text), range));
  if (range.minimum === range.maximum) {
    return <p className="flex justify-between"><span className="label">{label}</span><span className="param">{range.minimum}{unit}</span></p>;
  }
  return (
    <div>
      <div className="flex items-center justify-between gap-3">
        <label className="label" htmlFor={id}>{label}</label>
        <input id={id} type="number" className="field number w-24 text-right" min={range.minimum} max={range.maximum} step={range.integer ? step : "any"}
          key={String(shown)} defaultValue={shown === undefined ? "" : Number(shown.toFixed(3))} placeholder="auto"
          onBlur={(event) => event.target.value !== String(shown ?? "") && set(event.target.value)}
          onKeyDown={(event) => event.key === "Enter" && set(event.currentTarget.value)} />
      </div>
      <input type="range" className="slider" aria-label={`${label} on a scale`} min={range.minimum} max={range.maximum} step={step} value={shown ?? range.minimum}
        onChange={(event) => set(event.target.value)} />
      {hint && <p className="hint">{hint}</p>}
    </div>
  );
}
