import { useId } from "react";
import { Slide } from "@/ui/Slide";
import type { Property } from "./draft";

interface Props {
  name: string;
  property: Property;
  value: unknown;
  onChange: (value: unknown) => void;
}

/** A parameter that only this model has, drawn from its JSON schema. */
export function ParameterField({ name, property, value, onChange }: Props) {
  const id = useId();
  const label = property.title ?? name.replaceAll("_", " ");
  const kind = Array.isArray(property.type) ? property.type.find((item) => item !== "null") : property.type;
  const hint = property.description ? <p className="hint">{property.description}</p> : null;
  if (property.enum) {
    return (
      <div className="grid gap-1">
        <label className="label" htmlFor={id}>{label}</label>
        <select id={id} className="field" value={value === undefined ? "" : JSON.stringify(value)} onChange={(event) => onChange(event.target.value === "" ? undefined : JSON.parse(event.target.value))}>
          <option value="">{property.default === undefined ? "The model's own" : String(property.default)}</option>
          {property.enum.filter((item) => item !== property.default && item !== null).map((item) => <option key={String(item)} value={JSON.stringify(item)}>{String(item)}</option>)}
        </select>
        {hint}
      </div>
    );
  }
  if (kind === "boolean") {
    return (
      <div>
        <label className="flex items-center gap-2"><input type="checkbox" checked={Boolean(value ?? property.default)} onChange={(event) => onChange(event.target.checked)} />{label}</label>
        {hint}
      </div>
    );
  }
  const number = kind === "number" || kind === "integer";
  if (number && property.minimum !== undefined && property.maximum !== undefined) {
    const range = { minimum: property.minimum, maximum: property.maximum, step: null, integer: kind === "integer", default: typeof property.default === "number" ? property.default : null };
    return <Slide label={label} range={range} value={typeof value === "number" ? value : undefined} onChange={onChange} hint={property.description ?? ""} />;
  }
  if (kind !== "string" && !number) return null; // lists and objects are for the API
  return (
    <div className="grid gap-1">
      <label className="label" htmlFor={id}>{label}</label>
      <input id={id} className="field" type={number ? "number" : "text"} step="any" placeholder={property.default === undefined || property.default === null ? "" : String(property.default)} value={value === undefined || value === null ? "" : String(value)}
        onChange={(event) => onChange(event.target.value === "" ? undefined : number ? Number(event.target.value) : event.target.value)} />
      {hint}
    </div>
  );
}
