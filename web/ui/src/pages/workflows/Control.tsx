import { useId } from "react";
import { controlOf, labelOf, type Medium, type Parameter, scaleOf } from "./form";
import { MediaField } from "./Media";
import { Dial, SeedField } from "./Dial";

interface Props {
  parameter: Parameter;
  value: unknown;
  error: string;
  onChange: (value: unknown) => void;
  /** Whether `/` goes here. */
  first: boolean;
  /** What masks are painted on. */
  picture: Medium | undefined;
}

/** One parameter as the control that its type asks for, with what is wrong with it below. */
export function ParameterControl(props: Props) {
  const { parameter, error } = props;
  const id = useId();
  const describedBy = [error && `${id}-wrong`, parameter.tooltip && `${id}-hint`].filter(Boolean).join(" ") || undefined;
  return (
    <div data-parameter={parameter.name} className={error ? "border-l-3 border-mark pl-3" : ""}>
      <Field {...props} id={id} describedBy={describedBy} />
      {parameter.tooltip && <p id={`${id}-hint`} className="hint line-clamp-2 hover:line-clamp-none" title={parameter.tooltip}>{parameter.tooltip}</p>}
      {error && <p id={`${id}-wrong`} className="wrong" role="alert">{error}</p>}
    </div>
  );
}

function Field({ parameter, value, onChange, first, error, picture, id, describedBy }: Props & { id: string; describedBy: string | undefined }) {
  const name = labelOf(parameter);
  const shown = value ?? parameter.default ?? "";
  const about = { id, "aria-describedby": describedBy, "aria-invalid": error ? (true as const) : undefined };
  const label = <label className="label mb-1 block" htmlFor={id}>{name}</label>;
  switch (controlOf(parameter)) {
    case "media":
      return <MediaField parameter={parameter} value={value as Medium | string | undefined} onChange={onChange} picture={picture} id={id} describedBy={describedBy} />;
    case "seed":
      return <SeedField id={id} label={name} value={value as number | undefined} own={parameter.default} onChange={onChange} describedBy={describedBy} />;
    case "number": {
      const number = typeof shown === "number" ? shown : undefined;
      return <Dial id={id} label={name} scale={scaleOf(parameter, number)} value={number} onChange={onChange} describedBy={describedBy} />;
    }
    case "choice":
      return <>{label}<Choice about={about} parameter={parameter} shown={shown} onChange={onChange} /></>;
    case "switch":
      return <label className="flex items-center gap-2"><input type="checkbox" {...about} checked={Boolean(shown)} onChange={(event) => onChange(event.target.checked)} />{name}</label>;
    case "colour":
      return <>{label}<input type="color" {...about} className="h-9 w-20 border border-edge bg-raised p-1" value={/^#[0-9a-f]{6}$/i.test(String(shown)) ? String(shown) : "#000000"} onChange={(event) => onChange(event.target.value)} /></>;
    case "long":
      return <>{label}<textarea {...about} data-slash={first ? "" : undefined} className={`field resize-y px-3 py-2 leading-snug [field-sizing:content] max-h-96 ${first ? "min-h-28 text-[1.08rem]" : "min-h-16"}`} rows={first ? 4 : 2} value={String(shown)} onChange={(event) => onChange(event.target.value)} /></>;
    case "text":
      return <>{label}<input {...about} type="text" className="field" value={String(shown)} onChange={(event) => onChange(event.target.value)} /></>;
  }
}

type About = { id: string; "aria-describedby": string | undefined; "aria-invalid": true | undefined };

function Choice({ about, parameter, shown, onChange }: { about: About; parameter: Parameter; shown: unknown; onChange: (value: unknown) => void }) {
  const choices = parameter.choices ?? [];
  const text = (item: unknown) => JSON.stringify(item);
  const known = choices.some((item) => item === shown);
  return (
    <select {...about} className={`field ${known ? "" : "!text-mark"}`} value={text(shown)} onChange={(event) => onChange(JSON.parse(event.target.value))}>
      {!known && <option value={text(shown)}>{shown === "" ? "nothing chosen" : `${String(shown)}, which ComfyUI does not have`}</option>}
      {choices.map((item) => <option key={text(item)} value={text(item)}>{String(item)}</option>)}
    </select>
  );
}
