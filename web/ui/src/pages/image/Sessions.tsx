import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, sentenceOf, type Session, take } from "@/api/client";
import { client, queries } from "@/api/queries";
import { moment } from "@/lib/format";
import { Dialog } from "@/ui/Dialog";
import { Icon } from "@/ui/icons";
import { say } from "@/ui/toasts";
import type { Medium } from "./draft";

/** All sessions of one medium, the last used first; deleted ones can come back. */
export default function Sessions({ medium, current, onClose }: { medium: Medium; current: string; onClose: () => void }) {
  const [text, setText] = useState("");
  const [deleted, setDeleted] = useState(false);
  const navigate = useNavigate();
  const pages = useInfiniteQuery(queries.allSessions(medium, deleted));
  const data = pages.data?.pages.flatMap((page) => page.sessions);
  const to = medium === "image" ? "/image" : "/video";
  const shown = (data ?? []).filter((session) => session.title.toLowerCase().includes(text.toLowerCase()));
  const act = async (session: Session, restore: boolean) => {
    const call = { params: { path: { session_id: session.id } } };
    try {
      if (restore) await take(medium === "image" ? api.POST("/api/sessions/{session_id}/restore", call) : api.POST("/api/video-sessions/{session_id}/restore", call));
      else await take(medium === "image" ? api.DELETE("/api/sessions/{session_id}", call) : api.DELETE("/api/video-sessions/{session_id}", call));
      await client.invalidateQueries({ queryKey: ["sessions"] });
      if (!restore) {
        say("The session is put away; its pictures stay in the library.", "plain", { label: "Undo", run: () => void act(session, true) });
        if (session.id === current) void navigate({ to, search: {} });
      }
    } catch (error) {
      say(sentenceOf(error), "wrong");
    }
  };
  return (
    <Dialog title={medium === "image" ? "Image sessions" : "Video sessions"} onClose={onClose}>
      <div className="sticky top-0 flex items-center gap-3 border-b border-line bg-ground p-3">
        <input className="field flex-1" type="search" placeholder="Search titles" aria-label="Search titles" value={text} onChange={(event) => setText(event.target.value)} data-autofocus />
        <label className="flex items-center gap-2 whitespace-nowrap"><input type="checkbox" checked={deleted} onChange={(event) => setDeleted(event.target.checked)} />Deleted</label>
      </div>
      <ul className="rows min-h-40">
        {shown.map((session) => (
          <li key={session.id} className="flex items-center gap-2 pr-2">
            {deleted ? (
              <span className="flex-1 truncate px-4 py-2.5">{session.title || "Untitled"}</span>
            ) : (
              <Link to={to} search={{ session: session.id }} className={`flex flex-1 items-baseline gap-3 overflow-hidden border-l-4 px-4 py-2.5 no-underline hover:bg-raised ${session.id === current ? "border-mark" : "border-transparent"}`} onClick={onClose}>
                <span className="flex-1 truncate">{session.title || "Untitled"}</span>
                <span className="param text-dim whitespace-nowrap">{moment(session.updated_at)}</span>
              </Link>
            )}
            {deleted ? (
              <button type="button" className="button" onClick={() => void act(session, true)}>Restore</button>
            ) : (
              <button type="button" className="button bare square" aria-label={`Delete ${session.title || "Untitled"}`} onClick={() => void act(session, false)}><Icon name="trash" /></button>
            )}
          </li>
        ))}
        {data && !shown.length && <li className="hint p-4">{deleted ? "Nothing was deleted." : "No session yet. The first prompt makes one and names it."}</li>}
      </ul>
      {pages.hasNextPage && <button type="button" className="button m-3" disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>Older</button>}
    </Dialog>
  );
}
