import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { queries } from "@/api/queries";
import { money } from "@/lib/format";
import { Caps } from "./Caps";

const BY = [["day", "By day"], ["model", "By model"], ["session", "By session"], ["backend", "By backend"]] as const;
type By = (typeof BY)[number][0];
const MOST = 31;

/** What was spent, and what may be. */
export function Costs() {
  const [by, setBy] = useState<By>("day");
  const { data } = useQuery(queries.costsBy(by));
  const titles = useTitles(by === "session");
  if (!data) return null;
  const today = data.today.map((line) => money(line.amount, line.currency)).join(" + ") || money(0);
  const most: Record<string, number> = {};
  for (const line of data.costs) most[line.currency] = Math.max(most[line.currency] ?? 0, line.amount);
  return (
    <div className="grid gap-5">
      <Caps caps={data.caps} currencies={data.costs.map((line) => line.currency)} />
      <div>
        <div className="flex flex-wrap items-center justify-between gap-2 border-b border-line">
          <p className="param">{today} <span className="text-dim">today</span></p>
          <div className="flex flex-wrap" role="group" aria-label="Sum costs">
            {BY.map(([word, name]) => <button key={word} type="button" className="tab -mb-px" aria-pressed={by === word} onClick={() => setBy(word)}>{name}</button>)}
          </div>
        </div>
        {data.costs.length === 0 ? <p className="hint py-2">Nothing that costs money ran yet.</p> : (
          <table className="w-full border-collapse text-left">
            <caption className="sr">Costs {by === "day" ? "by day" : `by ${by}`}</caption>
            <thead className="sr"><tr><th>What</th><th>Jobs</th><th>Sum</th></tr></thead>
            <tbody>
              {data.costs.slice(0, MOST).map((line) => (
                <tr key={`${line.key}-${line.currency}`} className="border-b border-line">
                  <th scope="row" className="param py-1.5 pr-3 font-normal break-all"><Name by={data.by} line={line.key} titles={titles} /></th>
                  <td className="param w-20 pr-3 text-right whitespace-nowrap text-dim">{line.jobs} {line.jobs === 1 ? "job" : "jobs"}</td>
                  <td className="param w-32 text-right whitespace-nowrap">
                    {line.estimated ? "about " : ""}{money(line.amount, line.currency)}
                    <span className="mt-0.5 ml-auto block h-px bg-mark" style={{ width: `${(100 * line.amount) / (most[line.currency] || 1)}%` }} aria-hidden="true" />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {data.costs.length > MOST && <p className="hint mt-1">{data.costs.length - MOST} more; <code className="param">diorama costs --by {by}</code> lists all.</p>}
      </div>
    </div>
  );
}

function useTitles(on: boolean): Map<string, { title: string; to: "/image" | "/video" }> {
  const images = useQuery({ ...queries.sessions("image"), enabled: on }).data?.sessions ?? [];
  const videos = useQuery({ ...queries.sessions("video"), enabled: on }).data?.sessions ?? [];
  return new Map<string, { title: string; to: "/image" | "/video" }>([...images.map((item) => [item.id, { title: item.title, to: "/image" as const }] as const), ...videos.map((item) => [item.id, { title: item.title, to: "/video" as const }] as const)]);
}

function Name({ by, line, titles }: { by: By; line: string; titles: ReturnType<typeof useTitles> }) {
  if (by === "model") return <Link to="/model/$" params={{ _splat: line }} className="text-link">{line}</Link>;
  if (by !== "session") return line;
  const session = titles.get(line);
  if (session) return <Link to={session.to} search={{ session: line }} className="text-link">{session.title || "Untitled"}</Link>;
  return line || "without a session";
}
