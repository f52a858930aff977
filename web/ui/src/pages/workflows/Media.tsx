import { type DragEvent, lazy, type ReactNode, Suspense, useState } from "react";
import { dataUrlOf } from "@/lib/files";
import { Icon } from "@/ui/icons";
import { say } from "@/ui/toasts";
import { hasOwn, labelOf, type Medium, type Parameter } from "./form";

const MaskDialog = lazy(() => import("../image/MaskDialog"));
const FromLibrary = lazy(() => import("./FromLibrary"));

interface Props {
  parameter: Parameter;
  value: Medium | string | undefined;
  onChange: (value: Medium | string | undefined) => void;
  picture: Medium | undefined;
  id: string;
  describedBy: string | undefined;
}

type Kind = "image" | "video" | "audio";
const NOUNS: Record<Kind, string> = { image: "a picture", video: "a video", audio: "a sound" };

/** A picture, mask, video or sound that goes in: dropped, chosen, taken from the library, or painted. */
export function MediaField({ parameter, value: given, onChange, picture, id, describedBy }: Props) {
  const [library, setLibrary] = useState(false);
  const kind: Kind = parameter.role === "video" || parameter.role === "audio" ? parameter.role : "image";
  const value = typeof given === "string" ? undefined : given;
  const mask = parameter.role === "mask";
  const add = async (file: File | undefined) => {
    if (!file) return;
    if (!file.type.startsWith(`${kind}/`)) return say(`Only ${NOUNS[kind]} can go in here.`, "wrong");
    const source = await dataUrlOf(file);
    // players take no data addresses: the content policy allows them for pictures only
    onChange({ source, url: kind === "image" ? source : URL.createObjectURL(file), name: file.name.slice(0, 60), video: kind === "video", sound: kind === "audio" });
  };
  return (
    <div>
      <p className="mb-1.5 flex justify-between gap-3"><label className="label" htmlFor={id}>{labelOf(parameter)}</label>{!value && hasOwn(parameter) && <span className="param truncate text-dim">{String(parameter.default)}</span>}</p>
      <Drop onFile={add}>
        {value ? (
          <Shown value={value} onAway={() => onChange(undefined)} />
        ) : (
          <label htmlFor={id} className="grid h-24 w-full cursor-pointer place-items-center border border-dashed border-edge px-4 text-center text-sm text-dim focus-within:outline-2 focus-within:outline-mark hover:border-ink">
            <span>{hasOwn(parameter) ? "Drop or choose another" : `Drop or choose ${NOUNS[kind]}`}</span>
            <input id={id} className="sr" type="file" accept={`${kind}/*`} aria-describedby={describedBy} onChange={(event) => { void add(event.target.files?.[0]); event.target.value = ""; }} />
          </label>
        )}
      </Drop>
      <div className="mt-2 flex flex-wrap gap-2">
        {mask && picture && <Paint picture={picture} value={value} onChange={onChange} />}
        {!mask && <button type="button" className="button" onClick={() => setLibrary(true)}><Icon name="image" />From the library</button>}
      </div>
      <Suspense>{library && <FromLibrary kind={kind} onClose={() => setLibrary(false)} onPick={(medium) => { onChange(medium); setLibrary(false); }} />}</Suspense>
      {kind === "audio" && !value && (parameter.choices?.length ?? 0) > 0 && (
        <select className="field mt-2" aria-label={`${labelOf(parameter)}, one that ComfyUI has`} value={String(given ?? parameter.default ?? "")} onChange={(event) => onChange(event.target.value)}>
          {!hasOwn(parameter) && given === undefined && <option value={String(parameter.default ?? "")}>one that ComfyUI has</option>}
          {(parameter.choices ?? []).map((item) => <option key={String(item)} value={String(item)}>{String(item)}</option>)}
        </select>
      )}
    </div>
  );
}

/** A mask for a picture that has no field of its own. */
export function MaskOf({ picture, value, onChange }: { picture: Medium; value: Medium | undefined; onChange: (value: Medium | undefined) => void }) {
  return (
    <div data-parameter="mask">
      <p className="label mb-1.5">Where it may change</p>
      {value && <Shown value={value} onAway={() => onChange(undefined)} />}
      <div className="mt-2"><Paint picture={picture} value={value} onChange={onChange} /></div>
    </div>
  );
}

function Paint({ picture, value, onChange }: { picture: Medium; value: Medium | undefined; onChange: (value: Medium | undefined) => void }) {
  const [open, setOpen] = useState(false);
  const done = (painted: string | undefined) => {
    onChange(painted ? { source: painted, url: painted, name: "the painted mask" } : undefined);
    setOpen(false);
  };
  return (
    <>
      <button type="button" className="button" onClick={() => setOpen(true)}><Icon name="brush" />{value ? "Change the mask" : "Paint a mask"}</button>
      <Suspense>{open && <MaskDialog url={picture.url} mask={value?.url} onClose={() => setOpen(false)} onDone={done} />}</Suspense>
    </>
  );
}

function Shown({ value, onAway }: { value: Medium; onAway: () => void }) {
  if (value.sound) {
    return (
      <div className="flex items-center gap-2 border border-edge bg-film">
        <audio src={value.url} className="h-12 min-w-0 flex-1 [color-scheme:dark]" controls preload="metadata" aria-label={value.name} />
        <button type="button" className="grid size-7 flex-none place-items-center text-film-bright" aria-label={`Take ${value.name} away`} onClick={onAway}><Icon name="close" /></button>
      </div>
    );
  }
  return (
    <div className="relative inline-block border border-edge bg-film">
      {value.video ? <video src={value.url} className="block h-32 max-w-full" muted controls aria-label={value.name} /> : <img src={value.url} alt={value.name} className="block h-32 w-auto max-w-full object-contain" />}
      <button type="button" className="absolute top-0 right-0 grid size-7 place-items-center bg-film text-film-bright" aria-label={`Take ${value.name} away`} onClick={onAway}><Icon name="close" /></button>
    </div>
  );
}

function Drop({ onFile, children }: { onFile: (file: File | undefined) => Promise<unknown>; children: ReactNode }) {
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
    setOver(false);
    void onFile(event.dataTransfer.files[0]);
  };
  return <div className={over ? "outline-2 outline-mark" : ""} data-drop="picture" onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop}>{children}</div>;
}
