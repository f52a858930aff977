import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { queries } from "@/api/queries";
import type { Draft } from "./draft";
import { Icon } from "@/ui/icons";
import { Slide } from "@/ui/Slide";

const WEIGHT = { minimum: 0, maximum: 1.5, step: 0.05, integer: false, default: 1 };

const NAMES: Record<string, string> = { https: "https address", hub: "owner/name of the hub", civitai: "civitai:VERSION", own: "the id at the provider" };

interface Props {
  /** How a provider's model is given one; empty for files of this machine. */
  sources: readonly string[];
  kinds: readonly string[];
  most: number;
  loras: Draft["loras"];
  onChange: (loras: Draft["loras"]) => void;
}

/** LoRAs by name, each with its weight. */
export function Loras({ sources, kinds, most, loras, onChange }: Props) {
  const { data } = useQuery({ ...queries.loras, enabled: loras.length > 0 });
  const list = useId();
  const hint = sources.length ? sources.map((source) => NAMES[source] ?? source).join(", ") : `name or file, for ${kinds.join(", ")}`;
  const fitting = (sources.length ? [] : data?.loras ?? []).filter((item) => item.availability.state === "ready" && (!item.kind || kinds.includes(item.kind)));
  const choose = (index: number, id: string) => {
    const known = fitting.find((item) => item.id === id);
    set(index, known ? { id, weight: known.weight } : { id });
  };
  const set = (index: number, changes: Partial<Draft["loras"][number]>) => onChange(loras.map((item, place) => (place === index ? { ...item, ...changes } : item)));
  return (
    <fieldset className="grid gap-3">
      <legend className="label mb-1">LoRA</legend>
      {loras.map((lora, index) => (
        <div key={index} className="grid gap-1 border-l-2 border-edge pl-3">
          <div className="flex gap-2">
            <input className="field number flex-1" aria-label={`LoRA ${index + 1}`} placeholder={hint} value={lora.id} list={list} onChange={(event) => choose(index, event.target.value)} />
            <button type="button" className="button square" aria-label={`Take LoRA ${index + 1} away`} onClick={() => onChange(loras.filter((_, place) => place !== index))}><Icon name="close" /></button>
          </div>
          <Slide label="Weight" range={WEIGHT} value={lora.weight} onChange={(weight) => set(index, { weight: weight ?? 1 })} />
        </div>
      ))}
      <datalist id={list}>{fitting.map((item) => <option key={item.id} value={item.id}>{item.title}</option>)}</datalist>
      {loras.length < most && <button type="button" className="button justify-self-start" onClick={() => onChange([...loras, { id: "", weight: 1 }])}><Icon name="plus" />Add a LoRA</button>}
    </fieldset>
  );
}
