import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { type AssetDetail, sentenceOf } from "@/api/client";
import { queries } from "@/api/queries";
import { nameOf, plain } from "@/lib/format";
import { useTitle } from "@/lib/useTitle";
import { altOf } from "@/ui/Picture";

const route = getRouteApi("/compare");

/** Two frames over each other with a line to pull, and what differs between their recipes. */
export default function ComparePage() {
  const { a = "", b = "" } = route.useSearch();
  const left = useQuery(queries.asset(a));
  const right = useQuery(queries.asset(b));
  const [at, setAt] = useState(50);
  useTitle("Compare");
  const error = left.error ?? right.error;
  if (!a || !b) return <p className="page hint">Mark two frames in the <Link to="/assets" className="text-link">library</Link> to compare them.</p>;
  if (error) return <p className="page wrong" role="alert">{sentenceOf(error)}</p>;
  if (!left.data || !right.data) return <div className="min-h-[70dvh]" aria-busy="true" />;
  if (left.data.kind === "audio" || right.data.kind === "audio") return <p className="page hint">Sounds are compared by ear: <Name asset={left.data} /> and <Name asset={right.data} /></p>;
  const shape = left.data.width / left.data.height;
  return (
    <div className="page">
      <div className="page-head"><h1 className="title">Compare</h1><Link to="/compare" search={{ a: b, b: a }} className="button" replace>Swap</Link></div>
      <div className="strip">
        <div className="edge"><Name asset={left.data} /><Name asset={right.data} /></div>
        <div className="relative mx-auto bg-black" style={{ aspectRatio: String(shape), maxWidth: `calc(68dvh * ${shape})` }}>
          <img src={left.data.url} alt={`Left: ${altOf(left.data.prompt)}`} className="absolute inset-0 h-full w-full object-contain" style={{ clipPath: `inset(0 ${100 - at}% 0 0)` }} />
          <img src={right.data.url} alt={`Right: ${altOf(right.data.prompt)}`} className="absolute inset-0 h-full w-full object-contain" style={{ clipPath: `inset(0 0 0 ${at}%)` }} />
          <span className="pointer-events-none absolute inset-y-0 w-0.5 bg-[#f0513b]" style={{ left: `${at}%` }} aria-hidden="true" />
          <input type="range" className="absolute inset-0 h-full w-full cursor-ew-resize opacity-0" min={0} max={100} step={0.5} value={at} aria-label="Where the left picture ends" onChange={(event) => setAt(Number(event.target.value))} />
        </div>
        <div className="px-3 py-1"><input type="range" className="slider" tabIndex={-1} aria-hidden="true" min={0} max={100} step={0.5} value={at} onChange={(event) => setAt(Number(event.target.value))} /></div>
      </div>
      <Differences left={left.data} right={right.data} />
    </div>
  );
}

function Name({ asset }: { asset: AssetDetail }) {
  return <Link to="/asset/$id" params={{ id: asset.id }} className="number text-link truncate">▸ {asset.seed ?? "–"} {asset.title ?? ""}</Link>;
}

const PLAIN = ["prompt", "negative_prompt", "model", "seed", "width", "height", "num_inference_steps", "guidance_scale", "scheduler", "strength", "loras", "parameters", "operation"];

function Differences({ left, right }: { left: AssetDetail; right: AssetDetail }) {
  const [a, b] = [left.recipe as Record<string, unknown>, right.recipe as Record<string, unknown>];
  const rows = PLAIN.filter((name) => JSON.stringify(a[name] ?? null) !== JSON.stringify(b[name] ?? null));
  return (
    <section className="mt-5">
      <h2 className="label mb-1">What differs</h2>
      {rows.length === 0 ? <p className="hint">Nothing in their recipes.</p> : (
        <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="What differs">
          <table className="w-full border-collapse text-left text-sm">
            <thead><tr className="label border-b border-edge"><th className="py-1.5 pr-4">Setting</th><th className="pr-4">Left</th><th>Right</th></tr></thead>
            <tbody>{rows.map((name) => <tr key={name} className="border-b border-line align-baseline"><th scope="row" className="py-1.5 pr-4 font-normal text-dim">{nameOf(name)}</th><td className="param pr-4">{plain(a[name])}</td><td className="param">{plain(b[name])}</td></tr>)}</tbody>
          </table>
        </div>
      )}
    </section>
  );
}
