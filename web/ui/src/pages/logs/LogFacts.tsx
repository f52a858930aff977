import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { sentenceOf } from "@/api/client";
import { money, nameOf, plain, seconds } from "@/lib/format";
import { madeBy } from "@/lib/made";
import { altOf, Picture } from "@/ui/Picture";
import { JobNotes } from "../image/JobNotes";
import { logDetail } from "./logs";

/** A request as it was sent, what ran, and what came of it; a refused one as it was sent and why. */
export function LogFacts({ id }: { id: string }) {
  const { data, error } = useQuery(logDetail(id));
  if (error) return <p className="wrong py-2" role="alert">{sentenceOf(error)}</p>;
  if (!data) return <div className="h-24" aria-busy="true" />;
  const refused = data.status === "refused";
  const made = madeBy(data);
  const rest = Object.entries(data.applied).filter(([name]) => name !== "prompt" && name !== "model");
  const outcome: [string, string][] = [
    ...Object.entries(data.timings).map(([name, value]) => [`${name.replaceAll("_", " ")} took`, seconds(value)] as [string, string]),
    ...(data.cost ? [["Cost", `${data.cost.estimated ? "about " : ""}${money(data.cost.amount, data.cost.currency)}`] as [string, string]] : []),
    ["Attempts", String(data.attempt)],
  ];
  return (
    <div className="grid gap-x-8 gap-y-3 border-l border-edge py-2 pl-3 md:ml-2 md:grid-cols-2 xl:grid-cols-3">
      {(data.prompt.length > 60 || data.prompt.includes("\n")) && <p className="max-h-40 overflow-y-auto whitespace-pre-wrap md:col-span-full">{data.prompt}</p>}
      <div className="md:col-span-full empty:hidden"><JobNotes job={data} error={data.error} /></div>
      <Facts title="As it was sent" rows={Object.entries(data.request).map(([name, value]) => [nameOf(name), plain(value)])} otherwise="Nothing but prompt and model." />
      {!refused && <Facts title="What ran" rows={[["Model", data.model], ...rest.map(([name, value]) => [nameOf(name), plain(value)] as [string, string])]} />}
      <div className="grid content-start gap-3">
        {!refused && <Facts title="What came of it" rows={outcome} />}
        {made.length > 0 && (
          <ul className="flex flex-wrap gap-1.5">
            {made.map((item) => (
              <li key={item.id} className="bg-film"><Link to={item.to} params={{ id: item.id }} className="frame"><span className="picture block h-24" style={{ aspectRatio: `${item.width} / ${item.height}` }}><Picture src={item.thumbnail_url} alt={altOf(data.prompt)} width={item.width} height={item.height} placeholder={item.placeholder} /></span></Link></li>
            ))}
          </ul>
        )}
        <p className="flex flex-wrap gap-4">
          {!refused && <Link to="/job/$id" params={{ id }} className="text-link">Its job</Link>}
          {data.session_id && <Link to={data.type === "video" ? "/video" : "/image"} search={{ session: data.session_id }} className="text-link">Its session</Link>}
          {data.retry_of && <Link to="/job/$id" params={{ id: data.retry_of }} className="text-link">The request it repeats</Link>}
        </p>
      </div>
    </div>
  );
}

function Facts({ title, rows, otherwise }: { title: string; rows: [string, string][]; otherwise?: string }) {
  return (
    <section aria-label={title} className="min-w-0">
      <h2 className="label mb-1">{title}</h2>
      {rows.length === 0 ? <p className="hint">{otherwise}</p> : <dl className="facts">{rows.map(([name, value]) => [<dt key={`${name}-name`}>{name}</dt>, <dd key={name} className="break-words">{value}</dd>])}</dl>}
    </section>
  );
}
