import { type DragEvent, useId, useState } from "react";
import { dataUrlOf, draggedAsset, isPicture } from "@/lib/files";
import { Icon } from "@/ui/icons";
import { say } from "@/ui/toasts";
import type { Draft, Reference } from "./draft";

interface Props {
  kinds: readonly string[];
  draft: Draft;
  change: (changes: Partial<Draft>) => void;
}

const NAMES: Record<string, string> = { canny: "Edges", depth: "Depth", pose: "Pose", scribble: "Scribble" };

/** Pictures that say where things are: one map of each kind that the model reads. */
export function ControlMaps({ kinds, draft, change }: Props) {
  const put = (kind: string, picture: Reference | undefined) => change({ controls: { ...draft.controls, [kind]: picture } });
  const used = kinds.filter((kind) => draft.controls[kind]).length;
  return (
    <details className="border-t border-line pt-2" open={used > 0 || undefined}>
      <summary className="label">Control maps{used ? `, ${used} in use` : ""}</summary>
      <ul className="flex flex-wrap gap-2 pt-2">
        {kinds.map((kind) => <ControlMap key={kind} kind={kind} picture={draft.controls[kind]} onChange={(picture) => put(kind, picture)} />)}
      </ul>
    </details>
  );
}

function ControlMap({ kind, picture, onChange }: { kind: string; picture: Reference | undefined; onChange: (picture: Reference | undefined) => void }) {
  const id = useId();
  const [over, setOver] = useState(false);
  const name = NAMES[kind] ?? kind;
  const take = async (file: File | undefined) => {
    if (!file) return;
    if (!isPicture(file)) return say("Only pictures can go in.", "wrong");
    const source = await dataUrlOf(file);
    onChange({ source, url: source, name: file.name.slice(0, 60) });
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
    setOver(false);
    const asset = draggedAsset(event.dataTransfer);
    if (!asset) return void take(event.dataTransfer.files[0]);
    if (asset.kind !== "image") return say("Only pictures can go in.", "wrong");
    onChange({ source: asset.id, url: asset.url, name: asset.name });
  };
  return (
    <li className="grid gap-1" onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop} data-drop="control">
      {picture ? (
        <span className="relative block h-20 border border-edge bg-film">
          <img src={picture.url} alt={`${name}: ${picture.name}`} className="h-full w-auto max-w-36 object-contain" />
          <button type="button" className="absolute top-0 right-0 grid size-6 place-items-center bg-film text-film-bright" aria-label={`Take the map “${name}” away`} onClick={() => onChange(undefined)}><Icon name="close" /></button>
        </span>
      ) : (
        <label className={`grid h-20 w-20 cursor-pointer place-items-center border border-dashed focus-within:outline-2 focus-within:outline-mark hover:border-ink ${over ? "border-mark text-mark" : "border-edge text-dim"}`} htmlFor={id}>
          <Icon name="plus" />
          <input id={id} className="sr" type="file" accept="image/*" aria-label={`Map: ${name}`} onChange={(event) => { void take(event.target.files?.[0]); event.target.value = ""; }} />
        </label>
      )}
      <span className="param text-center text-dim">{name}</span>
    </li>
  );
}
