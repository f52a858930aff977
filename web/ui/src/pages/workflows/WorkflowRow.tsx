import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { sentenceOf } from "@/api/client";
import { moment } from "@/lib/format";
import { Icon } from "@/ui/icons";
import { Menu } from "@/ui/Menu";
import { altOf, kindWord, Picture } from "@/ui/Picture";
import { say } from "@/ui/toasts";
import { galleryQuery } from "../assets/gallery";
import { operationWords } from "../models/words";
import { changeWorkflow, type comfy, deleteWorkflow } from "./queries";

type Line = Awaited<ReturnType<NonNullable<typeof comfy.list.queryFn>>>["workflows"][number];
const SHOWN = 5;
const complain = (error: unknown) => say(sentenceOf(error), "wrong");

/** One workflow of the library with the last frames it made. */
export function WorkflowRow({ workflow }: { workflow: Line }) {
  const [renaming, setRenaming] = useState(false);
  const does = operationWords(workflow.operations, workflow.media === "audio");
  const remove = () => {
    if (window.confirm(`Delete the workflow “${workflow.title}”? What it made stays.`)) deleteWorkflow(workflow.id).then(() => say(`${workflow.title} is deleted.`), complain);
  };
  const rename = (title: string) => {
    setRenaming(false);
    if (title && title !== workflow.title) changeWorkflow(workflow.id, { title }).catch(complain);
  };
  return (
    <li className="grid items-center gap-x-6 gap-y-2 py-3 md:grid-cols-[minmax(0,1fr)_auto_auto]">
      <div className="min-w-0">
        {renaming ? (
          <input className="field title max-w-xl" aria-label="New title" defaultValue={workflow.title} maxLength={120} autoFocus onBlur={(event) => rename(event.target.value.trim())}
            onKeyDown={(event) => { if (event.key === "Enter") event.currentTarget.blur(); if (event.key === "Escape") setRenaming(false); }} />
        ) : (
          <Link to="/workflows/$id" params={{ id: workflow.id }} className="title block truncate no-underline hover:text-mark">{workflow.title}</Link>
        )}
        <p className="param truncate text-dim">{workflow.model}</p>
        <p className="hint">{[does || "Cannot run as it stands", `changed ${moment(new Date(workflow.updated_at * 1000).toISOString())}`, workflow.server ? `on ${workflow.server}` : ""].filter(Boolean).join(" · ")}</p>
      </div>
      <LastFrames model={workflow.model} />
      <div className="flex gap-2 justify-self-start">
        <Link to="/workflows/$id" params={{ id: workflow.id }} className="button" aria-label={`Open ${workflow.title}`}>Open</Link>
        <Menu trigger={<button type="button" className="button square" aria-label={`More for ${workflow.title}`}><Icon name="more" /></button>}
          choices={[{ label: "Rename", run: () => setRenaming(true) }, { label: "Delete", run: remove }]} />
      </div>
    </li>
  );
}

function LastFrames({ model }: { model: string }) {
  const made = useInfiniteQuery(galleryQuery({ model }, SHOWN)).data?.pages[0]?.assets ?? [];
  if (!made.length) return <span className="hint max-md:hidden">nothing made yet</span>;
  return (
    <ul className="frame flex w-fit flex-row! gap-1 p-1" aria-label="Last frames">
      {made.map((asset) => (
        <li key={asset.id}>
          <Link to={asset.kind === "video" ? "/asset/video/$id" : "/asset/$id"} params={{ id: asset.id }} className="picture block size-16">
            <Picture src={asset.thumbnail_url} alt={altOf(asset.prompt, kindWord(asset.kind))} width={asset.width} height={asset.height} placeholder={asset.placeholder} />
          </Link>
        </li>
      ))}
    </ul>
  );
}
