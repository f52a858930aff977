import { useId } from "react";
import { fitted, type Parameter, scaleOf, type Values } from "./form";
import { NumberInput } from "./NumberInput";

interface Props {
  pair: [Parameter, Parameter];
  values: Values;
  error: string;
  onChange: (name: string, value: unknown) => void;
}

const SHAPES = [[1, 1], [3, 2], [2, 3], [16, 9], [9, 16]] as const;

/** Width and height as one: shapes that keep the area, and the two numbers. */
export function Pair({ pair, values, error, onChange }: Props) {
  const id = useId();
  const [width, height] = pair;
  const of = (parameter: Parameter) => Number(values[parameter.name] ?? parameter.default);
  const set = (parameter: Parameter, value: number | undefined) => {
    if (value !== undefined && value !== of(parameter)) onChange(parameter.name, value);
    return value;
  };
  const take = (wide: number, high: number) => {
    const area = of(width) * of(height);
    const multiple = Math.max(8, width.step ?? 8);
    const near = (side: number) => String(Math.round(side / multiple) * multiple);
    set(width, fitted(near(Math.sqrt((area * wide) / high)), scaleOf(width, undefined)));
    set(height, fitted(near(Math.sqrt((area * high) / wide)), scaleOf(height, undefined)));
  };
  const ratio = of(width) / of(height);
  return (
    <fieldset data-parameter="width" className={error ? "border-l-3 border-mark pl-3" : ""}>
      <legend className="mb-1.5 flex w-full justify-between"><span className="label">Size</span><span className="param text-dim">{of(width)} × {of(height)}</span></legend>
      <div className="flex flex-wrap gap-1.5">
        {SHAPES.map(([wide, high]) => {
          const on = Math.abs(ratio - wide / high) < 0.04;
          const scale = 24 / Math.max(wide, high);
          return (
            <button key={`${wide}:${high}`} type="button" className={`grid min-w-12 flex-1 justify-items-center gap-1 border px-1 pt-2 pb-1 hover:border-ink ${on ? "border-mark" : "border-line"}`} aria-pressed={on} onClick={() => take(wide, high)}>
              <span className="grid h-6 place-items-center" aria-hidden="true"><span className={`block border-2 ${on ? "border-mark" : "border-edge"}`} style={{ width: wide * scale, height: high * scale }} /></span>
              <span className="param text-[0.82rem]">{wide}:{high}</span>
            </button>
          );
        })}
      </div>
      <div className="mt-2 flex items-center gap-2">
        {pair.map((parameter, index) => (
          <label key={parameter.name} className="flex flex-1 items-center gap-2" htmlFor={`${id}-${parameter.name}`}><span className="hint whitespace-nowrap">{index ? "high" : "wide"}</span>
            <NumberInput id={`${id}-${parameter.name}`} min={parameter.minimum ?? undefined} max={parameter.maximum ?? undefined} value={of(parameter)} onDone={(text) => set(parameter, fitted(text, scaleOf(parameter, undefined)))} />
          </label>
        ))}
      </div>
      {error && <p className="wrong" role="alert">{error}</p>}
    </fieldset>
  );
}
