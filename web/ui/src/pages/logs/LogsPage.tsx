import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { sentenceOf } from "@/api/client";
import { LOG_STATES, LOG_TYPES, type LogSearch } from "@/lib/search";
import { useTitle } from "@/lib/useTitle";
import { Confirm } from "@/ui/Confirm";
import { say } from "@/ui/toasts";
import { clearLogs, logQuery } from "./logs";
import { LogRow } from "./LogRow";
import { OUTCOMES, TYPES } from "./words";

const route = getRouteApi("/logs");

/** Every request: what was asked, what ran, what came of it, or why it was refused. */
export default function LogsPage() {
  useTitle("Log");
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [clearing, setClearing] = useState(false);
  const pages = useInfiniteQuery(logQuery(search));
  const entries = pages.data?.pages.flatMap((page) => page.logs) ?? [];
  const filtered = Boolean(search.type || search.status);
  const set = (changes: LogSearch) => void navigate({ search: (old) => ({ ...old, ...changes }), replace: true });
  return (
    <div className="page mx-auto max-w-[90rem]">
      <div className="page-head">
        <h1 className="title">Log</h1>
        <div className="toolbar">
          <select className="field !w-auto" aria-label="Type" value={search.type ?? ""} onChange={(event) => set({ type: (event.target.value || undefined) as LogSearch["type"] })}>
            <option value="">Every type</option>
            {LOG_TYPES.map((word) => <option key={word} value={word}>{TYPES[word]}</option>)}
          </select>
          <select className="field !w-auto" aria-label="Status" value={search.status ?? ""} onChange={(event) => set({ status: (event.target.value || undefined) as LogSearch["status"] })}>
            <option value="">Any status</option>
            {LOG_STATES.map((word) => <option key={word} value={word}>{OUTCOMES[word]}</option>)}
          </select>
          <button type="button" className="button" disabled={entries.length === 0} onClick={() => setClearing(true)}>{filtered ? "Clear these" : "Clear"}</button>
        </div>
      </div>
      {pages.error ? <p className="wrong" role="alert">{sentenceOf(pages.error)}</p> : null}
      {pages.isPending ? (
        <div className="min-h-[50dvh]" aria-busy="true" />
      ) : entries.length ? (
        <ol className="rows -mt-4" aria-label="Requests, newest first">{entries.map((entry) => <LogRow key={entry.id} entry={entry} />)}</ol>
      ) : (
        <p className="hint py-2">{filtered ? "Nothing fits these filters." : "No request yet."}</p>
      )}
      {pages.hasNextPage && <button type="button" className="button mt-3" disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>Older</button>}
      <p className="hint mt-4">How long requests are kept is set under <Link to="/settings" hash="log" className="text-link">Settings</Link>.</p>
      {clearing && (
        <Confirm title="Clear the log" action={filtered ? "Forget these requests" : "Forget all requests"} onClose={() => setClearing(false)}
          text="All finished and refused requests that are listed here, older ones too, leave the log, the queue's history and the sheets of their sessions. Their pictures stay in the library and their sums in the costs."
          run={async () => say(`${(await clearLogs(search)).toLocaleString("en")} forgotten.`)} />
      )}
    </div>
  );
}
