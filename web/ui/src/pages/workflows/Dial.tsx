import { useState } from "react";
import { drawSeed } from "@/lib/numbers";
import { Icon } from "@/ui/icons";
import { fitted, type Scale } from "./form";
import { NumberInput } from "./NumberInput";

interface DialProps {
  id: string;
  label: string;
  scale: Scale;
  value: number | undefined;
  onChange: (value: number) => void;
  describedBy: string | undefined;
}

/** A number: typed within what the server allows, dragged within what people use. */
export function Dial({ id, label, scale, value, onChange, describedBy }: DialProps) {
  const set = (text: string) => {
    const next = fitted(text, scale);
    if (next !== undefined && next !== value) onChange(next);
    return next;
  };
  return (
    <div>
      <div className="flex items-center justify-between gap-3">
        <label className="label" htmlFor={id}>{label}</label>
        <NumberInput id={id} className="!w-28 text-right" min={scale.minimum} max={scale.maximum} aria-describedby={describedBy} value={value} onDone={set} />
      </div>
      {scale.low !== undefined && scale.high !== undefined && (
        <input type="range" className="slider" aria-label={`${label} on a scale`} min={scale.low} max={scale.high} step={scale.integer ? scale.step : Math.max(scale.step, (scale.high - scale.low) / 200)} value={value ?? scale.low} onChange={(event) => set(event.target.value)} />
      )}
    </div>
  );
}

interface SeedProps {
  id: string;
  label: string;
  value: number | undefined;
  own: unknown;
  onChange: (value: number | undefined) => void;
  describedBy: string | undefined;
}

const MAX_SEED = 2 ** 32 - 1;

/** A seed that is kept, or drawn anew for each run. */
export function SeedField({ id, label, value, own, onChange, describedBy }: SeedProps) {
  const first = Number(own);
  const [last, setLast] = useState<number | undefined>(value ?? (first > 0 && first <= MAX_SEED ? first : undefined));
  const locked = value !== undefined;
  const set = (seed: number | undefined) => {
    if (seed !== undefined) setLast(seed);
    onChange(seed);
  };
  return (
    <div>
      <label className="label mb-1 block" htmlFor={id}>{label}</label>
      <div className="flex gap-2">
        <input id={id} className="field number flex-1" type="text" inputMode="numeric" pattern="[0-9]*" placeholder="drawn anew each time" aria-describedby={describedBy} value={value ?? ""}
          onChange={(event) => { const digits = event.target.value.replace(/\D/g, ""); set(digits === "" ? undefined : Math.min(MAX_SEED, Number(digits))); }} />
        <button type="button" className="button square" aria-label="Draw a seed and keep it" title="Draw a seed and keep it" onClick={() => set(drawSeed())}><Icon name="dice" /></button>
        <button type="button" className="button square" aria-label="Keep the seed" title={locked ? "Draw anew each time" : "Keep the workflow's seed"} aria-pressed={locked} onClick={() => set(locked ? undefined : (last ?? drawSeed()))}><Icon name={locked ? "lock" : "unlock"} /></button>
      </div>
    </div>
  );
}
