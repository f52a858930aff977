import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { type Job, Problem, sentenceOf } from "@/api/client";
import { queries } from "@/api/queries";
import { useActive, useLive } from "@/jobs/hooks";
import type { Live } from "@/jobs/store";
import { FINAL } from "@/lib/format";
import { keep, kept } from "@/lib/kept";
import { passed, toRun, type Values, type Workflow } from "./form";
import { runWorkflow } from "./queries";

export interface Run {
  /** The job that is shown: the newest of this workflow that was started here or runs now. */
  job: Job | undefined;
  live: Live | undefined;
  status: Job["status"] | null;
  /** Nodes it came through, in order. */
  nodes: readonly string[];
  sending: boolean;
  /** Jobs of this workflow that are not over. */
  active: readonly Live[];
  start: () => Promise<void>;
}

/** Starts runs of a workflow and follows the newest, also after a reload. Throws what the server refuses. */
export function useRun(workflow: Workflow, values: Values): Run {
  const place = `workflow.${workflow.id}.job`;
  const [id, setId] = useState(() => kept<string>(place, ""));
  const [sending, setSending] = useState(false);
  const active = useActive().filter((item) => item.job?.model === workflow.model);
  const newest = active[active.length - 1]?.job_id ?? "";
  const shown = newest > id ? newest : id;
  const live = useLive(shown);
  const asked = useQuery({ ...queries.job(shown), enabled: shown !== "", retry: false });
  const known = asked.data?.job_id === shown ? asked.data : undefined;
  const job = live?.job && (FINAL.has(live.job.status) || !known) ? live.job : known;
  const start = async () => {
    setSending(true);
    try {
      const made = await runWorkflow(workflow.id, toRun(workflow.parameters, values));
      keep(place, made);
      setId(made);
    } finally {
      setSending(false);
    }
  };
  return { job, live, status: live?.status ?? job?.status ?? null, nodes: useNodes(shown, live), sending, active, start };
}

function useNodes(id: string, live: Live | undefined): readonly string[] {
  const seen = useRef<{ id: string; nodes: readonly string[] }>({ id: "", nodes: [] });
  if (seen.current.id !== id) seen.current = { id, nodes: [] };
  const next = passed(seen.current.nodes, live?.numbers.node);
  useEffect(() => { seen.current = { id, nodes: next }; });
  return next;
}

/** What a refused run says, and which field it is about. */
export function complaint(error: unknown): { field: string | null; text: string } {
  return { field: error instanceof Problem ? error.field : null, text: sentenceOf(error) };
}
