import { useState } from "react";
import type { Capabilities, Model } from "@/api/client";
import { drawSeed } from "@/lib/numbers";
import { Icon } from "@/ui/icons";
import { Slide } from "@/ui/Slide";
import { type Draft, propertiesOf } from "./draft";
import { ControlMaps } from "./ControlMaps";
import { Loras } from "./Loras";
import { ParameterField } from "./ParameterField";
import { SizePicker } from "./SizePicker";

interface Props {
  model: Model;
  caps: Capabilities;
  draft: Draft;
  change: (changes: Partial<Draft>) => void;
}

const MAX_SEED = 2 ** 32 - 1;

/** The controls that this operation of this model has, and no others. */
export function Knobs({ model, caps, draft, change }: Props) {
  const entries = Object.entries(propertiesOf(caps));
  const [plain, advanced] = [entries.filter(([, item]) => item["x-group"] !== "advanced"), entries.filter(([, item]) => item["x-group"] === "advanced")];
  const set = (name: string, value: unknown) => change({ parameters: { ...draft.parameters, [name]: value } });
  return (
    <>
      <SizePicker caps={caps} draft={draft} change={change} />
      {caps.images_out.maximum > 1 && <Count caps={caps} draft={draft} change={change} />}
      {caps.duration && <Slide label="Seconds" range={caps.duration} value={draft.duration} onChange={(duration) => change({ duration })} />}
      {caps.frames && <Slide label="Frames" range={caps.frames} value={draft.frames} onChange={(frames) => change({ frames })} hint={lengthOf(caps, draft)} />}
      {caps.fps && <Slide label="Frames per second" range={caps.fps} value={draft.fps} onChange={(fps) => change({ fps })} />}
      {caps.audio && <label className="flex items-center gap-2"><input type="checkbox" checked={draft.audio ?? true} onChange={(event) => change({ audio: event.target.checked })} />With sound</label>}
      {caps.strength && <Slide label="Strength" range={caps.strength} value={draft.strength} onChange={(strength) => change({ strength })} hint="Low keeps the picture, high leaves it." />}
      {caps.seed && <Seed range={caps.seed_range} draft={draft} change={change} />}
      {caps.num_inference_steps && <Slide label="Steps" range={caps.num_inference_steps} value={draft.steps} onChange={(steps) => change({ steps })} />}
      {caps.guidance_scale && <Slide label="Guidance" range={caps.guidance_scale} value={draft.guidance} onChange={(guidance) => change({ guidance })} />}
      {caps.negative_prompt && (
        <label className="grid gap-1"><span className="label">Not in the picture</span>
          <textarea className="field min-h-16 [field-sizing:content]" rows={2} maxLength={2000} value={draft.negative} onChange={(event) => change({ negative: event.target.value })} />
        </label>
      )}
      {caps.schedulers.length > 0 && (
        <label className="grid gap-1"><span className="label">Sampler</span>
          <select className="field" value={draft.scheduler ?? ""} onChange={(event) => change({ scheduler: event.target.value || undefined })}>
            <option value="">The model's own</option>
            {caps.schedulers.map((name) => <option key={name}>{name}</option>)}
          </select>
        </label>
      )}
      {caps.control_kinds.length > 0 && <ControlMaps kinds={caps.control_kinds} draft={draft} change={change} />}
      {caps.lora_kinds.length > 0 && <Loras sources={caps.lora_sources} kinds={caps.lora_kinds} most={caps.max_loras} loras={draft.loras} onChange={(loras) => change({ loras })} />}
      {plain.map(([name, property]) => <ParameterField key={name} name={name} property={property} value={draft.parameters[name]} onChange={(value) => set(name, value)} />)}
      {advanced.length > 0 && (
        <details className="border-t border-line pt-2">
          <summary className="label">Advanced</summary>
          <div className="grid gap-4 pt-3">
            {advanced.map(([name, property]) => <ParameterField key={name} name={name} property={property} value={draft.parameters[name]} onChange={(value) => set(name, value)} />)}
          </div>
        </details>
      )}
      {Object.keys(model.vocabulary).length > 0 && <Vocabulary words={model.vocabulary} onPick={(word) => change({ prompt: `${draft.prompt.trim()} ${word}`.trim() })} />}
    </>
  );
}

function lengthOf(caps: Capabilities, draft: Draft): string {
  const frames = draft.frames ?? caps.frames?.default;
  const fps = draft.fps ?? caps.fps?.default;
  return frames && fps ? `${(frames / fps).toFixed(1)} seconds` : "";
}

function Count({ caps, draft, change }: Omit<Props, "model">) {
  const { minimum, maximum } = caps.images_out;
  const count = draft.count ?? caps.images_out.default ?? 1;
  if (maximum > 8) return <Slide label="Pictures" range={caps.images_out} value={draft.count} onChange={(value) => change({ count: value })} />;
  const numbers = Array.from({ length: maximum - minimum + 1 }, (_, index) => minimum + index);
  return (
    <fieldset className="flex items-center justify-between gap-3">
      <legend className="label float-left">Pictures</legend>
      <div className="segments">
        {numbers.map((number) => (
          <button key={number} type="button" className="tab param justify-center !px-3.5" aria-pressed={number === Math.min(count, maximum)} aria-label={`${number} ${number === 1 ? "picture" : "pictures"}`} onClick={() => change({ count: number })}>{number}</button>
        ))}
      </div>
    </fieldset>
  );
}

function Seed({ range, draft, change }: Omit<Props, "model" | "caps"> & { range: Capabilities["seed_range"] }) {
  const [last, setLast] = useState<number | undefined>(draft.seed);
  const draw = () => (range ? range.minimum + (drawSeed() % (range.maximum - range.minimum + 1)) : drawSeed());
  const locked = draft.seed !== undefined;
  const set = (seed: number | undefined) => {
    if (seed !== undefined) setLast(seed);
    change({ seed });
  };
  return (
    <div>
      <label className="label mb-1 block" htmlFor="seed">Seed</label>
      <div className="flex gap-2">
        <input id="seed" className="field number flex-1" type="text" inputMode="numeric" pattern="[0-9]*" placeholder="drawn anew each time" value={draft.seed ?? ""}
          onChange={(event) => { const digits = event.target.value.replace(/\D/g, ""); set(digits === "" ? undefined : Math.min(range?.maximum ?? MAX_SEED, Number(digits))); }} />
        <button type="button" className="button square" aria-label="Draw a seed and keep it" title="Draw a seed and keep it" onClick={() => set(draw())}><Icon name="dice" /></button>
        <button type="button" className="button square" aria-label="Keep the seed" title={locked ? "Draw anew each time" : "Keep the seed"} aria-pressed={locked} onClick={() => set(locked ? undefined : (last ?? draw()))}><Icon name={locked ? "lock" : "unlock"} /></button>
      </div>
    </div>
  );
}

function Vocabulary({ words, onPick }: { words: Model["vocabulary"]; onPick: (word: string) => void }) {
  return (
    <details className="border-t border-line pt-2">
      <summary className="label">Words this model knows</summary>
      <dl className="grid gap-2 pt-2">
        {Object.entries(words).map(([group, list]) => (
          <div key={group}>
            <dt className="hint">{group}</dt>
            <dd className="flex flex-wrap gap-x-1">{list.map((word) => <button key={word} type="button" className="text-link param min-h-6 px-1" onClick={() => onPick(word)}>{word}</button>)}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
