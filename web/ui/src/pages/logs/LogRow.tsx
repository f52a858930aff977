import { Link } from "@tanstack/react-router";
import { memo, useState } from "react";
import { sentenceOf } from "@/api/client";
import { FINAL, money, moment, seconds } from "@/lib/format";
import { Icon } from "@/ui/icons";
import { say } from "@/ui/toasts";
import { deleteLog, type LogEntry } from "./logs";
import { LogFacts } from "./LogFacts";
import { OUTCOMES, TYPES } from "./words";

/** One request: a line, and all of it when it is opened. */
export const LogRow = memo(function LogRow({ entry }: { entry: LogEntry }) {
  const [open, setOpen] = useState(false);
  const refused = entry.status === "refused";
  const over = refused || FINAL.has(entry.status);
  const wrong = refused || entry.status === "failed";
  const facts = [TYPES[entry.type], entry.model, entry.seconds === null ? "" : seconds(entry.seconds), entry.cost ? `${entry.cost.estimated ? "about " : ""}${money(entry.cost.amount, entry.cost.currency)}` : "", entry.results > 1 ? `${entry.results} files` : ""];
  return (
    <li className="py-1.5">
      <div className="flex items-start gap-3">
        <button type="button" className="log-line" aria-expanded={open} onClick={() => setOpen(!open)}>
          <time className="param text-dim" dateTime={entry.created_at}>{moment(entry.created_at)}</time>
          <span className={`label ${wrong ? "!text-mark" : ""}`}>{OUTCOMES[entry.status]}</span>
          <span className="min-w-0">
            <span className="line-clamp-1 break-all">{entry.prompt || "Without a prompt"}</span>
            <span className="param block truncate text-dim">{facts.filter(Boolean).join(" · ")}</span>
            {entry.error && wrong && <span className="wrong line-clamp-2">{entry.error.message} {entry.error.fix}</span>}
          </span>
        </button>
        {over ? (
          <button type="button" className="button bare square" aria-label="Delete this entry" title={refused ? "Delete this entry" : "Delete this entry; its pictures stay"} onClick={() => deleteLog(entry.id).catch((error: unknown) => say(sentenceOf(error), "wrong"))}><Icon name="close" /></button>
        ) : (
          <Link to="/job/$id" params={{ id: entry.id }} className="button">Follow</Link>
        )}
      </div>
      {open && <LogFacts id={entry.id} />}
    </li>
  );
});
