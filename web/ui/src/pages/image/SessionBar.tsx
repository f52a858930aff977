import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { sentenceOf } from "@/api/client";
import { newId } from "@/lib/numbers";
import { Icon } from "@/ui/icons";
import { say } from "@/ui/toasts";
import type { Bench } from "./bench";
import { renameSession } from "./Desk";
import type { Medium } from "./draft";

const Sessions = lazy(() => import("./Sessions"));

/** Which session this is; the way to the others. */
export function SessionBar({ medium, bench }: { medium: Medium; bench: Bench }) {
  const [open, setOpen] = useState(false);
  const [next, setNext] = useState(newId);
  const session = bench.session;
  return (
    <div className="mb-3 flex items-center gap-2 border-b border-line pb-2">
      {session ? (
        <input key={`${session.id}-${session.title}`} className="title min-w-0 flex-1 border-b border-transparent bg-transparent hover:border-edge" aria-label="Title of this session" defaultValue={session.title} maxLength={200}
          onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
          onBlur={(event) => {
            const title = event.target.value.trim();
            if (title && title !== session.title) renameSession(medium, session.id, title).catch((error: unknown) => say(sentenceOf(error), "wrong"));
          }} />
      ) : (
        <p className="title flex-1 text-dim">New session</p>
      )}
      <button type="button" className="button" onClick={() => setOpen(true)}><Icon name="menu" /><span className="max-sm:sr-only">Sessions</span></button>
      <Link to={medium === "image" ? "/image" : "/video"} search={{ session: next }} className="button" onClick={() => setNext(newId())} aria-label="New session"><Icon name="plus" /><span className="max-sm:sr-only">New</span></Link>
      <Suspense>{open && <Sessions medium={medium} current={bench.sessionId} onClose={() => setOpen(false)} />}</Suspense>
    </div>
  );
}
