import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { queries } from "@/api/queries";
import { type GallerySearch, TABS } from "@/lib/search";
import { type Span, spans } from "./when";

const route = getRouteApi("/assets");
const OWN = "Own dates";
const NAMES: Record<(typeof TABS)[number], string> = { all: "All", image: "Images", video: "Videos", audio: "Sounds", favourites: "Favourites", trash: "Trash" };

/** What the library shows. Everything is in the address, so that a view can be kept and sent. */
export function Filters() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const models = useQuery(queries.models()).data?.models ?? [];
  const sessions = [...(useQuery(queries.sessions("image")).data?.sessions ?? []), ...(useQuery(queries.sessions("video")).data?.sessions ?? [])];
  const set = (changes: GallerySearch) => void navigate({ search: (old) => ({ ...old, ...changes }), replace: true });
  const { tab, ...narrow } = search;
  const all = spans();
  const span = all.find((item) => item.since === search.since && item.until === search.until)?.name ?? (search.since || search.until ? OWN : "");
  const pick = (name: string): Partial<Span> => {
    const { since, until } = all.find((item) => item.name === name) ?? {};
    return { ...(since ? { since } : {}), ...(until ? { until } : {}) };
  };
  const extra = Object.keys(narrow).filter((name) => !["q", "model", "session", ...(span === OWN ? [] : ["since", "until"])].includes(name)).length;
  const known = !search.model || models.some((model) => model.id === search.model);
  return (
    <div className="mb-3">
      <nav className="flex overflow-x-auto overflow-y-hidden border-b border-line" aria-label="Kind">
        {TABS.map((name) => (
          <Link key={name} to="/assets" search={{ ...search, tab: name === "all" ? undefined : name }} className="tab" data-on={(tab ?? "all") === name} activeOptions={{ exact: true, includeSearch: true }}>{NAMES[name]}</Link>
        ))}
      </nav>
      <div className="toolbar pt-3">
        <SearchField value={search.q ?? ""} onChange={(q) => set({ q: q || undefined })} />
        <select className="field !w-44 max-sm:order-2 max-sm:!basis-[28%]" aria-label="Model" value={search.model ?? ""} onChange={(event) => set({ model: event.target.value || undefined })}>
          <option value="">Every model</option>
          {!known && <option value={search.model}>{search.model}</option>}
          {models.map((model) => <option key={model.id} value={model.id}>{model.title}</option>)}
        </select>
        <select className="field !w-36 max-sm:order-2 max-sm:!basis-[28%]" aria-label="When" value={span} onChange={(event) => set({ since: undefined, until: undefined, ...pick(event.target.value) })}>
          <option value="">Any time</option>
          {span === OWN && <option>{OWN}</option>}
          {all.map(({ name }) => <option key={name}>{name}</option>)}
        </select>
        <select className="field !w-44 max-sm:order-2 max-sm:!basis-[28%]" aria-label="Session" value={search.session ?? ""} onChange={(event) => set({ session: event.target.value || undefined })}>
          <option value="">Every session</option>
          {sessions.map((session) => <option key={session.id} value={session.id}>{session.title || "Untitled"}</option>)}
        </select>
        <details className="relative">
          <summary className="button list-none"><span className="max-sm:hidden">More filters</span><span className="sm:hidden">More</span>{extra ? ` (${extra})` : ""}</summary>
          <div className="pop absolute right-0 z-10 mt-1 grid w-72 gap-3 p-4 max-sm:fixed max-sm:inset-x-3 max-sm:bottom-16 max-sm:z-30 max-sm:w-auto">
            <label className="grid gap-1"><span className="label">From day</span><input type="date" className="field" value={search.since ?? ""} onChange={(event) => set({ since: event.target.value || undefined })} /></label>
            <label className="grid gap-1"><span className="label">To day</span><input type="date" className="field" value={search.until ?? ""} onChange={(event) => set({ until: event.target.value || undefined })} /></label>
            <Typed label="Size" hint="such as 512x512" value={search.size ?? ""} pattern="\d+x\d+" onDone={(size) => set({ size: size || undefined })} />
            <Typed label="Seed" hint="a whole number" value={search.seed === undefined ? "" : String(search.seed)} pattern="\d+" onDone={(seed) => set({ seed: seed ? Number(seed) : undefined })} />
            <Typed label="LoRA" hint="its name" value={search.lora ?? ""} onDone={(lora) => set({ lora: lora || undefined })} />
            <label className="grid gap-1"><span className="label">Made by</span>
              <select className="field" value={search.operation ?? ""} onChange={(event) => set({ operation: (event.target.value || undefined) as GallerySearch["operation"] })}>
                <option value="">Any operation</option>
                {["generate", "edit", "video", "upscale"].map((name) => <option key={name}>{name}</option>)}
              </select>
            </label>
          </div>
        </details>
        {Object.keys(narrow).length > 0 && <Link to="/assets" search={tab ? { tab } : {}} className="button bare max-sm:order-3">Clear</Link>}
      </div>
    </div>
  );
}

function SearchField({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), 250);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  return <input data-slash type="search" className="field min-w-40 !w-auto flex-1" placeholder="Search prompts" aria-label="Search prompts" value={text} onChange={(event) => setText(event.target.value)} />;
}

function Typed({ label, hint, value, pattern, onDone }: { label: string; hint: string; value: string; pattern?: string; onDone: (text: string) => void }) {
  return (
    <label className="grid gap-1"><span className="label">{label}</span>
      <input key={value} className="field number" defaultValue={value} placeholder={hint} pattern={pattern} onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
        onBlur={(event) => event.target.validity.valid && event.target.value !== value && onDone(event.target.value.trim())} />
    </label>
  );
}
