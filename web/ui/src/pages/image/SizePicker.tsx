import { useState } from "react";
import type { Capabilities } from "@/api/client";
import { fit } from "@/lib/numbers";
import { type Draft, freeSize, type Ratio, ratiosOf, sizeOf } from "./draft";

interface Props {
  caps: Capabilities;
  draft: Draft;
  change: (changes: Partial<Draft>) => void;
}

/** The shape of the picture, chosen by looking at shapes. Models that keep the input's size say so instead. */
export function SizePicker({ caps, draft, change }: Props) {
  const sizes = caps.sizes;
  const ratios = ratiosOf(sizes);
  const free = freeSize(sizes);
  const custom = free && Boolean(draft.width && draft.height);
  const [own, setOwn] = useState(custom || ratios.length === 0);
  if (!sizes) return null;
  if (sizes.match_input) return <p className="flex justify-between gap-3"><span className="label">Size</span><span className="hint">as the picture that goes in</span></p>;
  if (!ratios.length && !free) return null;
  const size = sizeOf(draft, caps);
  const chosen = custom ? undefined : (draft.ratio ?? ratios.find((ratio) => ratio.width === size?.width && ratio.height === size.height)?.name);
  return (
    <fieldset>
      <legend className="mb-1.5 flex w-full justify-between"><span className="label">Size</span><span className="param text-dim">{size ? `${size.width} × ${size.height}` : draft.video ? "as the video that goes in" : "the model's own"}</span></legend>
      {ratios.length > 0 && (
        <div className="grid grid-cols-[repeat(auto-fill,minmax(3.5rem,1fr))] items-stretch gap-1.5">
          {ratios.map((ratio) => (
            <Shape key={ratio.name} ratio={ratio} on={chosen === ratio.name} onPick={() => { setOwn(false); change({ ratio: draft.video && draft.ratio === ratio.name ? undefined : ratio.name, width: undefined, height: undefined }); }} />
          ))}
          {free && <button type="button" className="button bare !h-full border-line" aria-pressed={own} onClick={() => { setOwn(!own); if (own) change({ width: undefined, height: undefined }); }}>Other</button>}
        </div>
      )}
      {own && free && (
        <div className="mt-2 flex items-center gap-2">
          {(["width", "height"] as const).map((side) => (
            <label key={side} className="flex flex-1 items-center gap-2"><span className="hint whitespace-nowrap">{side === "width" ? "wide" : "high"}</span>
              <input type="number" className="field number" min={sizes.minimum} max={sizes.maximum} step={sizes.multiple_of} key={`${side}-${draft[side] ?? size?.[side] ?? ""}`} defaultValue={draft[side] ?? size?.[side] ?? ""}
                onBlur={(event) => {
                  if (event.target.value === "" && draft[side]) return change({ width: undefined, height: undefined });
                  const value = Number(event.target.value);
                  if (!value || value === (draft[side] ?? size?.[side])) return;
                  const near = fit(Math.round(value / sizes.multiple_of) * sizes.multiple_of, { minimum: sizes.minimum, maximum: sizes.maximum, step: null, integer: true });
                  change({ width: size?.width ?? near, height: size?.height ?? near, [side]: near, ratio: undefined });
                }} />
            </label>
          ))}
        </div>
      )}
    </fieldset>
  );
}

function Shape({ ratio, on, onPick }: { ratio: Ratio; on: boolean; onPick: () => void }) {
  const scale = 26 / Math.max(ratio.width, ratio.height);
  return (
    <button type="button" className={`grid min-w-14 justify-items-center gap-1 border px-1.5 pt-2 pb-1 hover:border-ink ${on ? "border-mark" : "border-line"}`} aria-pressed={on} title={`${ratio.width} × ${ratio.height}`} onClick={onPick}>
      <span className="grid h-7 place-items-center" aria-hidden="true">
        <span className={`block border-2 ${on ? "border-mark" : "border-edge"}`} style={{ width: Math.max(6, ratio.width * scale), height: Math.max(6, ratio.height * scale) }} />
      </span>
      <span className="param text-[0.82rem]">{ratio.name}</span>
    </button>
  );
}
