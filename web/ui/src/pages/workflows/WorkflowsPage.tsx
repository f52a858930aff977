import { useQuery } from "@tanstack/react-query";
import { type DragEvent } from "react";
import { sentenceOf } from "@/api/client";
import { useTitle } from "@/lib/useTitle";
import { Importer, useImport } from "./Importer";
import { comfy } from "./queries";
import { Servers } from "./Servers";
import { WorkflowRow } from "./WorkflowRow";

/** The workflows that ComfyUI runs for us, and the servers that run them. */
export default function WorkflowsPage() {
  useTitle("Workflows");
  const { data, error } = useQuery(comfy.list);
  const importing = useImport();
  const list = data?.workflows ?? [];
  const drop = (event: DragEvent) => {
    if (event.defaultPrevented || !event.dataTransfer.files.length) return;
    event.preventDefault();
    void importing.take(event.dataTransfer.files[0]);
  };
  return (
    <div className="page mx-auto min-h-[calc(100dvh-var(--head)-2px)] max-w-[100rem]" data-drop="workflow" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      <div className="page-head">
        <h1 className="title">Workflows</h1>
        <p className="param text-dim" role="status">{data ? `${list.length} ${list.length === 1 ? "workflow" : "workflows"}` : ""}</p>
      </div>
      <Servers />
      {error && <p className="wrong mb-4" role="alert">{sentenceOf(error)}</p>}
      {!error && <Importer {...importing} small={list.length > 0} />}
      {list.length > 0 && <ul className="rows border-t border-line" aria-label="Imported workflows">{list.map((workflow) => <WorkflowRow key={workflow.id} workflow={workflow} />)}</ul>}
      {data && !list.length && <p className="hint">Each workflow becomes a form, and a model that the bench, the command line and the API can use too.</p>}
    </div>
  );
}
