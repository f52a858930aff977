import { type DragEvent, lazy, Suspense, useId, useState } from "react";
import { dataUrlOf, draggedAsset, isPicture } from "@/lib/files";
import { say } from "@/ui/toasts";
import { Icon } from "@/ui/icons";
import type { Draft, Medium, Reference } from "./draft";
import { usePaste } from "./usePaste";

const MaskDialog = lazy(() => import("./MaskDialog"));

interface Props {
  limit: number;
  needed: number;
  mask: boolean;
  medium: Medium;
  draft: Draft;
  change: (changes: Partial<Draft>) => void;
}

/** Pictures that go in: chosen, dropped, pasted, or taken from the library. */
export function References({ limit, needed, mask, medium, draft, change }: Props) {
  const id = useId();
  const [over, setOver] = useState(false);
  const [painting, setPainting] = useState(false);
  const list = draft.references;
  const add = async (files: readonly File[]) => {
    const pictures = files.filter(isPicture).slice(0, limit - list.length);
    if (pictures.length < files.length) say(files.some((file) => !isPicture(file)) ? "Only pictures can go in." : `This model takes ${limit} ${limit === 1 ? "picture" : "pictures"}.`, "wrong");
    const made: Reference[] = [];
    for (const file of pictures) {
      const source = await dataUrlOf(file);
      made.push({ source, url: source, name: file.name.slice(0, 60) });
    }
    if (made.length) change({ references: [...list, ...made], ...(list.length ? {} : { mask: undefined }) });
  };
  usePaste(list.length < limit, add);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
    setOver(false);
    const asset = draggedAsset(event.dataTransfer);
    if (asset && list.length < limit) {
      if (asset.kind !== "image") return say("Only pictures can go in.", "wrong");
      change({ references: [...list, { source: asset.id, url: asset.url, name: asset.name }] });
    } else void add([...event.dataTransfer.files]);
  };
  const remove = (index: number) => change({ references: list.filter((_, place) => place !== index), ...(index === 0 ? { mask: undefined } : {}) });
  return (
    <fieldset onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop} data-drop="reference">
      <legend className="mb-1.5 flex w-full justify-between">
        <span className="label">{medium === "video" ? "Start pictures" : "Pictures that go in"}</span>
        <span className="param text-dim">{list.length} of {limit}{list.length < needed ? ", at least " + needed : ""}</span>
      </legend>
      <ul className="flex flex-wrap gap-2">
        {list.map((item, index) => (
          <li key={`${item.source.slice(-40)}-${index}`} className="relative border border-edge bg-film">
            <img src={item.url} alt={item.name} className="h-20 w-auto max-w-36 object-contain" />
            {index === 0 && draft.mask && <img src={draft.mask} alt="" className="absolute inset-0 h-full w-full opacity-45 mix-blend-screen" />}
            <button type="button" className="absolute top-0 right-0 grid size-6 place-items-center bg-film text-film-bright" aria-label={`Take ${item.name} away`} onClick={() => remove(index)}><Icon name="close" /></button>
          </li>
        ))}
        {list.length < limit && (
          <li>
            <label className={`grid h-20 cursor-pointer place-items-center border border-dashed px-4 text-center text-sm focus-within:outline-2 focus-within:outline-mark hover:border-ink ${over ? "border-mark text-mark" : "border-edge text-dim"}`} htmlFor={id}>
              <span>Drop, paste or choose</span>
              <input id={id} className="sr" type="file" accept="image/*" multiple={limit > 1} onChange={(event) => { void add([...(event.target.files ?? [])]); event.target.value = ""; }} />
            </label>
          </li>
        )}
      </ul>
      {mask && list[0] && (
        <div className="mt-2 flex gap-2">
          <button type="button" className="button" onClick={() => setPainting(true)}><Icon name="brush" />{draft.mask ? "Change the mask" : "Paint a mask"}</button>
          {draft.mask && <button type="button" className="button bare" onClick={() => change({ mask: undefined })}>Take it away</button>}
        </div>
      )}
      <Suspense>
        {painting && list[0] && <MaskDialog url={list[0].url} mask={draft.mask} onClose={() => setPainting(false)} onDone={(painted) => { change({ mask: painted }); setPainting(false); }} />}
      </Suspense>
    </fieldset>
  );
}
