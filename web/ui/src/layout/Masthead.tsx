import { useQuery } from "@tanstack/react-query";
import { Link, useRouterState } from "@tanstack/react-router";
import { useRef } from "react";
import { queries } from "@/api/queries";
import { type BackendPage, useBackendPages } from "@/lib/backends";
import { useActive, useLink, useLive } from "@/jobs/hooks";
import { bytes, money, numbersOf, STATUS_WORDS } from "@/lib/format";
import { HoverCard } from "@/ui/HoverCard";
import { Icon } from "@/ui/icons";

const PAGES = [
  ["/image", "Image"],
  ["/video", "Video"],
  ["/assets", "Library"],
  ["/models", "Models"],
  ["/queue", "Queue"],
] as const;
const LAST = ["/settings", "Settings"] as const;

/** The head of every page: where one can go, what runs, what the machine does, what today cost. */
export function Masthead({ onPalette }: { onPalette: () => void }) {
  const active = useActive();
  const more = useBackendPages();
  return (
    <header className="masthead">
      <Link to="/image" className="wordmark" aria-label="Diorama, to the bench">
        <img src="/icon.svg" alt="" width="28" height="28" />
        <span className="max-sm:hidden" aria-hidden="true">DIORAMA</span>
      </Link>
      <nav aria-label="Pages">
        {PAGES.map((page) => <Tab key={page[0]} page={page} />)}
        {more.map((page) => <Tab key={page[0]} page={page} className="max-lg:!hidden" />)}
        <Tab page={LAST} className={more.length ? "max-sm:!hidden" : ""} />
        {more.length > 0 && <MorePages pages={more} />}
      </nav>
      <div className="ml-auto flex items-center">
        <Connection />
        {active.length > 0 && <Working />}
        <Today />
        <Machine />
        <button type="button" className="button bare square" aria-label="Command palette (Ctrl K)" onClick={onPalette}><Icon name="search" /></button>
      </div>
    </header>
  );
}

type Page = readonly [to: (typeof PAGES)[number][0] | (typeof LAST)[0] | BackendPage[0], name: string];

/** Pages of single things stand under the page of all of them. */
const INSIDE: Partial<Record<Page[0], RegExp>> = { "/assets": /^\/(asset|compare)\b/, "/models": /^\/model\b/, "/queue": /^\/(job|logs)\b/ };

function Tab({ page: [to, name], className = "" }: { page: Page; className?: string }) {
  const inside = useRouterState({ select: (state) => INSIDE[to]?.test(state.location.pathname) ?? false });
  return <Link to={to} className={`tab ${className}`} activeProps={{ "aria-current": "page" }} activeOptions={{ includeSearch: false }} data-on={inside}>{name}</Link>;
}

/** Where the screen is too narrow for all pages, the rest stands behind one word. */
function MorePages({ pages }: { pages: readonly BackendPage[] }) {
  const menu = useRef<HTMLDivElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const inside = pages.some(([to]) => path.startsWith(to));
  return (
    <>
      <button type="button" className="tab lg:!hidden" popoverTarget="more-pages" data-on={inside} onClick={(event) => menu.current?.style.setProperty("--at", `${event.currentTarget.offsetLeft}px`)}>More</button>
      <div ref={menu} id="more-pages" popover="auto" className="pop more-pages" onClick={() => menu.current?.hidePopover()}>
        {pages.map(([to, name]) => <Link key={to} to={to} className="menu-item" activeProps={{ "aria-current": "page" }}>{name}</Link>)}
        <Link to="/settings" className="menu-item sm:!hidden" activeProps={{ "aria-current": "page" }}>Settings</Link>
      </div>
    </>
  );
}

function Connection() {
  const link = useLink();
  if (link !== "lost") return null;
  return <span className="readout wrong" role="status">No connection, trying again</span>;
}

function Working() {
  const active = useActive();
  const running = active.filter((job) => job.status !== "queued");
  const first = running[0] ?? active[0];
  const waiting = active.length - running.length;
  const text = [running.length && `${running.length} running`, waiting && `${waiting} waiting`].filter(Boolean).join(", ");
  return (
    <Link to="/queue" className="readout" title="What runs and waits">
      {first && <Percent id={first.job_id} />}
      <span className="max-lg:sr-only">{text}</span>
    </Link>
  );
}

function Percent({ id }: { id: string }) {
  const live = useLive(id);
  if (!live) return null;
  return (
    <span className="inline-grid w-12 gap-1 text-right" title={`${STATUS_WORDS[live.status]} ${numbersOf(live)}`}>
      <span aria-hidden="true">{Math.floor(live.progress)}%</span>
      <span className="exposure" aria-hidden="true"><span style={{ transform: `scaleX(${live.progress / 100})` }} /></span>
    </span>
  );
}

function Today() {
  const { data } = useQuery(queries.costs);
  const costs = data?.costs ?? [];
  const total = (data?.today ?? []).map((line) => money(line.amount, line.currency)).join(" + ") || money(0);
  return (
    <HoverCard title="Spent today" name={`${total} today, by backend`} label={<>{total} <span className="hint font-label max-md:hidden">today</span></>}>
      {costs.length === 0 ? (
        <p className="hint">Nothing that costs money ran today.</p>
      ) : (
        <dl className="facts">
          {costs.map((cost) => [
            <dt key={`${cost.key}-${cost.currency}-name`}>{cost.key}</dt>,
            <dd key={`${cost.key}-${cost.currency}`}>{cost.estimated ? "about " : ""}{money(cost.amount, cost.currency)}, {cost.jobs} {cost.jobs === 1 ? "job" : "jobs"}</dd>,
          ])}
        </dl>
      )}
    </HoverCard>
  );
}

function Machine() {
  const { data } = useQuery(queries.status);
  if (!data) return null;
  const devices = data.devices.length ? data.devices.join(", ") : "no device";
  const loaded = Object.entries(data.loaded_models).flatMap(([device, models]) => models.map((model) => `${model} (${device})`));
  const memory = data.memory as Record<string, number>;
  const disk = data.disk as Record<string, number>;
  const facts: [string, string][] = [
    ["Devices", devices],
    ...data.cards.map((card): [string, string] => [card.device, `${card.name}, ${bytes(card.free_bytes)} free of ${bytes(card.total_bytes)}`]),
    ["In memory", loaded.join(", ") || "no model"],
    ...(memory.total_bytes ? [["Memory", `${bytes(memory.available_bytes ?? 0)} free of ${bytes(memory.total_bytes)}`] as [string, string]] : []),
    ...(disk.total_bytes ? [["Disk", `${bytes(disk.free_bytes ?? 0)} free of ${bytes(disk.total_bytes)}`] as [string, string]] : []),
    ["Version", `${data.version}, Python ${data.python}`],
    ...Object.entries(data.libraries),
    ...(data.offline ? [["Network", "offline by choice"] as [string, string]] : []),
  ];
  return (
    <HoverCard title="This machine" name={`This machine: ${devices}`} label={devices.toUpperCase()}>
      <dl className="facts">
        {facts.map(([name, value]) => [<dt key={`${name}-name`}>{name}</dt>, <dd key={name}>{value}</dd>])}
      </dl>
    </HoverCard>
  );
}
