import { type DragEvent, lazy, type ReactNode, Suspense, useId, useState } from "react";
import { client, queries } from "@/api/queries";
import { dataUrlOf, draggedAsset } from "@/lib/files";
import { bytes } from "@/lib/format";
import { Icon } from "@/ui/icons";
import { say } from "@/ui/toasts";
import type { Reference } from "./draft";
import { usePaste } from "./usePaste";

const FromLibrary = lazy(() => import("../workflows/FromLibrary"));
const NOUNS = { audio: "sound", video: "video" } as const;

interface Props {
  kind: keyof typeof NOUNS;
  title: string;
  limit: number;
  least?: number;
  files: readonly Reference[];
  onChange: (files: Reference[]) => void;
  /** What is seen of one that goes in. */
  show: (item: Reference) => ReactNode;
}

/** Sounds or videos that go in: chosen, dropped, pasted, or taken from the library. */
export function FilesIn({ kind, title, limit, least = 0, files, onChange, show }: Props) {
  const id = useId();
  const [over, setOver] = useState(false);
  const [library, setLibrary] = useState(false);
  const noun = NOUNS[kind];
  const full = files.length >= limit;
  const wanted = (file: File) => file.type.startsWith(`${kind}/`);
  const add = async (given: readonly File[]) => {
    const right = given.filter(wanted);
    const taken = right.slice(0, limit - files.length);
    if (right.length < given.length) say(`Only ${noun}s can go in here.`, "wrong");
    else if (taken.length < right.length) say(`This model takes ${limit} ${limit === 1 ? noun : `${noun}s`}.`, "wrong");
    const made: Reference[] = [];
    for (const file of await small(taken)) {
      // players take no data addresses: the content policy allows them for pictures only
      made.push({ source: await dataUrlOf(file), url: URL.createObjectURL(file), name: file.name.slice(0, 60) });
    }
    if (made.length) onChange([...files, ...made]);
  };
  usePaste(!full, add, wanted);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
    setOver(false);
    const asset = draggedAsset(event.dataTransfer);
    if (!asset) return void add([...event.dataTransfer.files]);
    if (asset.kind !== kind) return say(`Only ${noun}s can go in here.`, "wrong");
    if (full) return say(`This model takes ${limit} ${limit === 1 ? noun : `${noun}s`}.`, "wrong");
    onChange([...files, { source: asset.id, url: asset.url, name: asset.name || noun }]);
  };
  const away = (index: number) => {
    onChange(files.filter((_, place) => place !== index));
    requestAnimationFrame(() => document.getElementById(id)?.focus()); // the button that had the focus is gone
  };
  return (
    <fieldset onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop} data-drop={noun}>
      <legend className="mb-1.5 flex w-full justify-between">
        <span className="label">{title}</span>
        <span className="param text-dim">{files.length} of {limit}{least > 0 ? `, at least ${least}` : ""}</span>
      </legend>
      <ul className="grid gap-2">
        {files.map((item, index) => (
          <li key={`${item.source.slice(-40)}-${index}`} className="flex items-center gap-2 border border-edge bg-film">
            {show(item)}
            <button type="button" className="grid size-7 flex-none place-items-center text-film-bright" aria-label={`Take ${item.name} away`} onClick={() => away(index)}><Icon name="close" /></button>
          </li>
        ))}
      </ul>
      {!full && (
        <div className="mt-2 flex flex-wrap items-center gap-2">
          <label className={`grid min-h-9 cursor-pointer place-items-center border border-dashed px-4 text-sm focus-within:outline-2 focus-within:outline-mark hover:border-ink ${over ? "border-mark text-mark" : "border-edge text-dim"}`} htmlFor={id}>
            <span>Drop, paste or choose a {noun}</span>
            <input id={id} className="sr" type="file" accept={`${kind}/*`} multiple={limit > 1} onChange={(event) => { void add([...(event.target.files ?? [])]); event.target.value = ""; }} />
          </label>
          <button type="button" className="button" onClick={() => setLibrary(true)}>From the library</button>
        </div>
      )}
      <Suspense>{library && <FromLibrary kind={kind} onClose={() => setLibrary(false)} onPick={({ source, url, name }) => { onChange([...files, { source, url, name }]); setLibrary(false); }} />}</Suspense>
    </fieldset>
  );
}

/** The files that the server would take, by their size; of the others it is said before they are read. */
async function small(files: readonly File[]): Promise<File[]> {
  if (!files.length) return [];
  const most = await client.ensureQueryData(queries.systemSettings).then((settings) => settings.limits.upload_bytes, () => Infinity);
  const large = files.find((file) => file.size > most);
  if (large) say(`${large.name.slice(0, 60)} has ${bytes(large.size)}; at most ${bytes(most)} can be sent here.`, "wrong");
  return files.filter((file) => file.size <= most);
}
