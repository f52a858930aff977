// The draft of one bench, kept in this browser while it changes and on the server with its session.
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { api, type Session, take } from "@/api/client";
import { client, queries, SESSIONS } from "@/api/queries";
import { jobStore } from "@/jobs/store";
import { keep } from "@/lib/kept";
import { newId } from "@/lib/numbers";
import { keptDraft } from "./choose";
import { type Draft, EMPTY_DRAFT, type Medium } from "./draft";

const SAVE_AFTER = 1200;

export interface Bench {
  sessionId: string;
  session: Session | undefined;
  draft: Draft;
  change: (changes: Partial<Draft>) => void;
}

/** The session in the address, else the one used last, else a new one; and its draft. */
export function useBench(medium: Medium, asked: string | undefined): Bench {
  const { data } = useQuery(queries.sessions(medium));
  const [fresh] = useState(newId);
  const latest = data && (data.sessions[0]?.id ?? fresh);
  const [settled, setSettled] = useState(asked ?? latest);
  useEffect(() => {
    if (asked) setSettled(asked);
    else if (!settled && latest) setSettled(latest);
  }, [asked, latest, settled]);
  const sessionId = asked ?? settled ?? "";
  const listed = data?.sessions.find((item) => item.id === sessionId);
  // one that was not used for long stands in no list of the last ones
  const old = useQuery({ ...queries.session(medium, sessionId), enabled: Boolean(sessionId && data && !listed && data.sessions.length >= SESSIONS), retry: false });
  const session = listed ?? old.data;
  const known = data && !old.isLoading ? (old.data ? [old.data] : data.sessions) : undefined;

  const [state, setState] = useState<{ id: string; draft: Draft }>(() =>
    data && sessionId && (listed || data.sessions.length < SESSIONS) ? { id: sessionId, draft: { ...EMPTY_DRAFT, ...keptDraft(sessionId, data.sessions) } } : { id: "", draft: EMPTY_DRAFT },
  );
  const loaded = state.id === sessionId;
  useEffect(() => {
    if (!sessionId || loaded || !known) return;
    const stored = keptDraft(sessionId, known);
    setState((old) => ({ id: sessionId, draft: { ...EMPTY_DRAFT, model: old.draft.model, ...stored, ...(old.id === "" ? written(old.draft) : {}) } }));
  }, [sessionId, loaded, known]);

  const change = useCallback((changes: Partial<Draft>) => setState((old) => ({ ...old, draft: { ...old.draft, ...changes } })), []);
  useSaving(medium, loaded ? sessionId : "", state.draft, session !== undefined);
  return useMemo(() => ({ sessionId: loaded ? sessionId : "", session, draft: state.draft, change }), [loaded, sessionId, session, state.draft, change]);
}

/** What was set before the draft was there: whoever types at once loses nothing. */
export function written(draft: Draft): Partial<Draft> {
  return Object.fromEntries(Object.entries(draft).filter(([name, value]) => value !== EMPTY_DRAFT[name as keyof Draft]));
}

/** The draft without what is too large to keep: dropped files stay in memory only. */
export function light(draft: Draft): Draft {
  const { mask: _mask, ...rest } = draft;
  const kept = (item: { source: string } | undefined) => item !== undefined && !item.source.startsWith("data:");
  return { ...rest, references: draft.references.filter(kept), ...(draft.video && !kept(draft.video) ? { video: undefined } : {}), ...(draft.sounds ? { sounds: draft.sounds.filter(kept) } : {}), controls: Object.fromEntries(Object.entries(draft.controls).filter(([, item]) => kept(item))) };
}

function useSaving(medium: Medium, sessionId: string, draft: Draft, stored: boolean): void {
  const last = useRef({ id: "", text: "" });
  useEffect(() => {
    if (!sessionId) return;
    const plain = light(draft);
    keep(`draft.${sessionId}`, plain);
    const text = JSON.stringify(plain);
    // a session that was there before is saved when something changes, one that this page begins as soon as the server has it
    if (last.current.id !== sessionId) last.current = { id: sessionId, text: stored ? text : "" };
    if (!stored || text === last.current.text) return;
    const timer = setTimeout(() => {
      last.current = { id: sessionId, text };
      const call = { params: { path: { session_id: sessionId } }, body: { state: { draft: plain } } };
      const sent = medium === "image" ? api.PATCH("/api/sessions/{session_id}", call) : api.PATCH("/api/video-sessions/{session_id}", call);
      take(sent).catch(() => undefined); // it stays in this browser, and the next change tries again
    }, SAVE_AFTER);
    return () => clearTimeout(timer);
  }, [medium, sessionId, draft, stored]);
}

/** Shows a just accepted job at once. */
export async function showJob(jobId: string, sessionId: string): Promise<void> {
  const job = await take(api.GET("/api/jobs/{job_id}", { params: { path: { job_id: jobId } } }));
  jobStore.whole(job);
  await client.invalidateQueries({ queryKey: ["jobs", "list", { session_id: sessionId }] });
  void client.invalidateQueries({ queryKey: ["sessions"] });
}
