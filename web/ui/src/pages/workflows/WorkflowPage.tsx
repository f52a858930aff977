import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { type DragEvent, lazy, Suspense, useState } from "react";
import { sentenceOf } from "@/api/client";
import { moment } from "@/lib/format";
import { useTitle } from "@/lib/useTitle";
import { useWide } from "@/lib/useWide";
import { say } from "@/ui/toasts";
import { operationWords } from "../models/words";
import { Bench } from "./Bench";
import type { Workflow } from "./form";
import { Needs } from "./Needs";
import { changeWorkflow, comfy } from "./queries";
import { Results } from "./Results";
import { useForm } from "./useForm";
import { useRun } from "./useRun";

const Arrange = lazy(() => import("./Arrange"));

/** One workflow: its form on the left, what it needs and makes on the right. */
export default function WorkflowPage() {
  const { id = "" } = useParams({ strict: false });
  const { data, error } = useQuery(comfy.one(id));
  useTitle(data?.title ?? "Workflow");
  if (error) {
    return (
      <section className="page"><h1 className="title mb-2">This workflow cannot be shown.</h1><p className="wrong mb-3" role="alert">{sentenceOf(error)}</p><Link to="/workflows" className="text-link">All workflows</Link></section>
    );
  }
  return data ? <Desk key={data.id} workflow={data} /> : <div className="min-h-[70dvh]" aria-busy="true" />;
}

function Desk({ workflow }: { workflow: Workflow }) {
  const form = useForm(workflow);
  const run = useRun(workflow, form.values);
  const [arranging, setArranging] = useState(false);
  const wide = useWide();
  const nowhere = (event: DragEvent) => event.preventDefault(); // a file let go beside its field opens nothing
  return (
    <div className="desk" data-drop="workflow" onDragOver={nowhere} onDrop={nowhere}>
      {!wide && <div className="page !pb-0"><Head workflow={workflow} /><Needs workflow={workflow} /></div>}
      <Bench workflow={workflow} form={form} run={run} onArrange={() => setArranging(true)} />
      <section className="page" aria-label="Results">
        {wide && <><Head workflow={workflow} /><Needs workflow={workflow} /></>}
        <Results workflow={workflow} run={run} form={form} />
      </section>
      <Suspense>{arranging && <Arrange workflow={workflow} values={form.values} onClose={() => setArranging(false)} />}</Suspense>
    </div>
  );
}

function Head({ workflow }: { workflow: Workflow }) {
  const does = operationWords(workflow.operations, workflow.media === "audio");
  const rename = (title: string) => {
    if (title && title !== workflow.title) changeWorkflow(workflow.id, { title }).catch((error: unknown) => say(sentenceOf(error), "wrong"));
  };
  return (
    <div className="mb-4 border-b border-line pb-2">
      <div className="flex items-center gap-2">
        <h1 className="sr">{workflow.title}</h1>
        <input key={workflow.title} className="title min-w-0 flex-1 border-b border-transparent bg-transparent hover:border-edge" aria-label="Title of this workflow" defaultValue={workflow.title} maxLength={120}
          onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()} onBlur={(event) => rename(event.target.value.trim())} />
        <Link to="/workflows" className="button">All workflows</Link>
      </div>
      <p className="param text-dim">{[workflow.model, does, `${workflow.nodes} nodes`, `imported ${moment(new Date(workflow.created_at * 1000).toISOString())}`].filter(Boolean).join(" · ")}</p>
    </div>
  );
}
