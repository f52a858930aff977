import { type DragEvent, lazy, Suspense, useId, useState } from "react";
import type { NumberRange } from "@/api/client";
import { dataUrlOf } from "@/lib/files";
import { Icon } from "@/ui/icons";
import { say } from "@/ui/toasts";
import type { Reference } from "./draft";

const FromLibrary = lazy(() => import("../workflows/FromLibrary"));

interface Props {
  range: NumberRange;
  sounds: readonly Reference[];
  onChange: (sounds: Reference[]) => void;
}

/** Sounds that go in: chosen, dropped, or taken from the library. */
export default function SoundsIn({ range, sounds, onChange }: Props) {
  const id = useId();
  const [over, setOver] = useState(false);
  const [library, setLibrary] = useState(false);
  const limit = range.maximum;
  const add = async (files: readonly File[]) => {
    const taken = files.filter((file) => file.type.startsWith("audio/")).slice(0, limit - sounds.length);
    if (taken.length < files.length) say(files.every((file) => file.type.startsWith("audio/")) ? `This model takes ${limit} ${limit === 1 ? "sound" : "sounds"}.` : "Only sounds can go in here.", "wrong");
    const made: Reference[] = [];
    for (const file of taken) {
      const source = await dataUrlOf(file);
      made.push({ source, url: URL.createObjectURL(file), name: file.name.slice(0, 60) });
    }
    if (made.length) onChange([...sounds, ...made]);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
    setOver(false);
    const own = event.dataTransfer.getData("application/x-diorama-asset");
    const asset = own ? (JSON.parse(own) as { id: string; url: string; name: string; kind?: string }) : undefined;
    if (asset?.kind === "audio" && sounds.length < limit) onChange([...sounds, { source: asset.id, url: asset.url, name: asset.name || "sound" }]);
    else void add([...event.dataTransfer.files]);
  };
  return (
    <fieldset onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop} data-drop="sound">
      <legend className="mb-1.5 flex w-full justify-between">
        <span className="label">Sounds that go in</span>
        <span className="param text-dim">{sounds.length} of {limit}{range.minimum > 0 ? `, at least ${range.minimum}` : ""}</span>
      </legend>
      <ul className="grid gap-2">
        {sounds.map((item, index) => (
          <li key={`${item.source.slice(-40)}-${index}`} className="flex items-center gap-2 border border-edge bg-film">
            <audio src={item.url} className="h-12 min-w-0 flex-1 [color-scheme:dark]" controls preload="metadata" aria-label={item.name} />
            <button type="button" className="grid size-7 flex-none place-items-center text-film-bright" aria-label={`Take ${item.name} away`} onClick={() => onChange(sounds.filter((_, place) => place !== index))}><Icon name="close" /></button>
          </li>
        ))}
      </ul>
      {sounds.length < limit && (
        <div className="mt-2 flex flex-wrap items-center gap-2">
          <label className={`grid min-h-9 cursor-pointer place-items-center border border-dashed px-4 text-sm focus-within:outline-2 focus-within:outline-mark hover:border-ink ${over ? "border-mark text-mark" : "border-edge text-dim"}`} htmlFor={id}>
            <span>Drop or choose a sound</span>
            <input id={id} className="sr" type="file" accept="audio/*" multiple={limit > 1} onChange={(event) => { void add([...(event.target.files ?? [])]); event.target.value = ""; }} />
          </label>
          <button type="button" className="button" onClick={() => setLibrary(true)}>From the library</button>
        </div>
      )}
      <Suspense>{library && <FromLibrary kind="audio" onClose={() => setLibrary(false)} onPick={({ source, url, name }) => { onChange([...sounds, { source, url, name }]); setLibrary(false); }} />}</Suspense>
    </fieldset>
  );
}
