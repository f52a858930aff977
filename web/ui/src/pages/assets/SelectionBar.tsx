import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { sentenceOf } from "@/api/client";
import { saveAs } from "@/lib/files";
import { say } from "@/ui/toasts";
import { type Cell, exportZip, purge, restore, setFavourite, trash } from "./gallery";
import type { Selection } from "./useSelection";

/** What can be done with the marked frames. */
export function SelectionBar({ assets, selection, trash: inTrash }: { assets: readonly Cell[]; selection: Selection; trash: boolean }) {
  const [busy, setBusy] = useState(false);
  const ids = [...selection.ids];
  const images = assets.filter((asset) => selection.ids.has(asset.id) && asset.kind === "image");
  const run = (work: () => Promise<void>, keep = false) => async () => {
    setBusy(true);
    try {
      await work();
      if (!keep) selection.clear();
    } catch (error) {
      say(sentenceOf(error), "wrong");
    } finally {
      setBusy(false);
    }
  };
  const remove = run(async () => {
    await trash(ids);
    say(`${ids.length} in the trash.`, "plain", { label: "Undo", run: () => void restore(ids).catch((error: unknown) => say(sentenceOf(error), "wrong")) });
  });
  const pack = run(async () => saveAs(await exportZip(ids), "diorama-assets.zip"), true);
  const forGood = run(async () => {
    if (window.confirm(`Remove ${ids.length} files for good? This cannot be undone.`)) await purge(ids);
  });
  return (
    <div className="fixed inset-x-0 bottom-[calc(3.1rem+env(safe-area-inset-bottom))] z-20 flex flex-wrap items-center gap-2 border-t border-mark bg-ground px-4 py-2.5 md:bottom-0" role="toolbar" aria-label="Marked frames">
      <span className="label flex-1" role="status">{ids.length} marked</span>
      {inTrash ? (
        <>
          <button type="button" className="button" disabled={busy} onClick={run(() => restore(ids))}>Restore</button>
          <button type="button" className="button" disabled={busy} onClick={forGood}>Remove for good</button>
        </>
      ) : (
        <>
          <button type="button" className="button" disabled={busy} onClick={run(async () => { for (const id of ids) await setFavourite(id, true); })}>Favourite</button>
          {images.length === 2 && ids.length === 2 && <Link to="/compare" search={{ a: images[1]?.id, b: images[0]?.id }} className="button">Compare</Link>}
          <button type="button" className="button" disabled={busy || ids.length > 1000} onClick={pack}>Export zip</button>
          <button type="button" className="button" disabled={busy} onClick={remove}>To the trash</button>
        </>
      )}
      <button type="button" className="button bare" onClick={selection.clear}>Unmark</button>
    </div>
  );
}
