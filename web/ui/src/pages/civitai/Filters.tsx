import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { BASES } from "./facts";
import { KINDS, PERIODS, type Search, SORTS } from "./search";

const route = getRouteApi("/civitai");

/** What is searched for. All of it is in the address, so that a search can be kept and sent. */
export function Filters() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const set = (changes: { [name in keyof Search]?: Search[name] | undefined }) => void navigate({ search: (old) => ({ ...old, ...changes }) as Search, replace: true });
  const kinds = [["", "Everything"], ...KINDS.map(([name]) => [name, name])] as const;
  return (
    <div className="mb-4">
      <nav className="-mx-1 flex flex-wrap border-b border-line" aria-label="Kind">
        {kinds.map(([kind, name]) => <Link key={name} to="/civitai" search={{ ...search, kind: kind || undefined } as Search} className="tab -mb-px" data-on={(search.kind ?? "") === kind} activeOptions={{ exact: true, includeSearch: true }}>{name}</Link>)}
      </nav>
      <div className="toolbar pt-3">
        <Words value={search.q ?? ""} onChange={(q) => set({ q: q || undefined })} />
        <select className="field !w-44" aria-label="Order" value={search.sort ?? ""} onChange={(event) => set({ sort: (event.target.value || undefined) as Search["sort"] })}>
          <option value="">Civitai's own order</option>{SORTS.map((name) => <option key={name}>{name}</option>)}
        </select>
        <select className="field !w-40" aria-label="Period" value={search.period ?? ""} onChange={(event) => set({ period: (event.target.value || undefined) as Search["period"] })}>
          <option value="">Any time</option>{PERIODS.map(([value, name]) => <option key={value} value={value}>{name}</option>)}
        </select>
        <select className="field !w-44" aria-label="Base model" value={search.base ?? ""} onChange={(event) => set({ base: event.target.value || undefined })}>
          <option value="">Every base model</option>
          {search.base && !BASES.some((name) => name === search.base) && <option>{search.base}</option>}
          {BASES.map((name) => <option key={name}>{name}</option>)}
        </select>
        <label className="flex min-h-9 items-center gap-2"><input type="checkbox" checked={search.nsfw ?? false} onChange={(event) => set({ nsfw: event.target.checked || undefined })} />Mature ones too</label>
        {(search.tag || search.by) && <span className="param">{[search.tag && `tag ${search.tag}`, search.by && `by ${search.by}`].filter(Boolean).join(", ")}</span>}
        {Object.keys(search).some((name) => name !== "q" && name !== "kind") && <Link to="/civitai" search={{ ...(search.q ? { q: search.q } : {}), ...(search.kind ? { kind: search.kind } : {}) }} className="button bare">Clear</Link>}
      </div>
    </div>
  );
}

function Words({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), 400);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  return <input data-slash type="search" className="field min-w-48 !w-auto flex-1" placeholder="Search Civitai" aria-label="Search Civitai" value={text} onChange={(event) => setText(event.target.value)} onKeyDown={(event) => event.key === "Enter" && onChange(text)} />;
}
