import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { api, type AssetDetail, sentenceOf, take } from "@/api/client";
import { client, queries } from "@/api/queries";
import { bytes, moment, money, nameOf, plain, seconds } from "@/lib/format";
import { soundWords } from "@/lib/made";
import { copyText } from "@/lib/files";
import { Icon } from "@/ui/icons";
import { type Choice, Menu } from "@/ui/Menu";
import { say } from "@/ui/toasts";
import { downloads } from "../image/FrameActions";
import { hasLostInput } from "../image/recipe";
import { again, upscale } from "../image/submit";
import { useNoCharge, useReady, useRemakes, useUpscalers } from "../models/useReady";
import { asCommand, asCurl } from "./copying";
import { FavouriteButton } from "./FavouriteButton";
import { purge, restore, trash } from "./gallery";

const complain = (error: unknown) => say(sentenceOf(error), "wrong");

/** The colophon: what can be done with the frame, and how it was made. */
export function AssetRail({ asset }: { asset: AssetDetail }) {
  return (
    <aside className="grid content-start gap-5 lg:border-l border-line p-[var(--gap)]" aria-label="About this frame">
      <div>
        <Title asset={asset} />
        {asset.prompt && <p className="mt-2 max-h-64 overflow-y-auto text-[1.02rem] whitespace-pre-wrap">{asset.prompt}</p>}
      </div>
      <Actions key={asset.id} asset={asset} />
      <Recipe asset={asset} />
      <Lineage asset={asset} />
    </aside>
  );
}

function Title({ asset }: { asset: AssetDetail }) {
  const rename = async (title: string) => {
    await take(api.PATCH("/api/assets/{asset_id}", { params: { path: { asset_id: asset.id } }, body: { title } }));
    await client.invalidateQueries({ queryKey: ["assets"] });
  };
  return (
    <div className="flex items-center gap-2">
      <h1 className="sr">{asset.title || asset.prompt || "Frame"}</h1>
      <input key={`${asset.id}-${asset.title}`} className="title min-w-0 flex-1 border-b border-transparent bg-transparent placeholder:text-dim hover:border-edge" defaultValue={asset.title ?? ""} placeholder="Untitled" aria-label="Title" maxLength={200}
        onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()} onBlur={(event) => event.target.value !== (asset.title ?? "") && rename(event.target.value).catch(complain)} />
      <FavouriteButton id={asset.id} />
    </div>
  );
}

function Actions({ asset }: { asset: AssetDetail }) {
  const navigate = useNavigate();
  const upscalers = useUpscalers(asset.kind);
  const movers = useReady("video");
  const picture = asset.kind === "image";
  const source = useRemakes() && asset.kind === "video";
  const bench = asset.operation === "video" ? "/video" : "/image";
  const reuse = (part: "all" | "seed" | "prompt") => void navigate({ to: bench, search: { session: asset.session_id ?? undefined, from: asset.id, take: part } });
  const copy = (what: string, text: string) => void copyText(text).then((done) => say(done ? `${what} is in the clipboard.${what === "The command" ? missing : ""}` : "The browser refuses the clipboard.", done ? "plain" : "wrong"));
  const missing = hasLostInput(asset) ? " What went in came from a file that the library does not have: name it there." : "";
  const rerun = () => {
    if (!asset.job_id) return;
    again({ job_id: asset.job_id, session_id: asset.session_id }).then((id) => navigate({ to: "/job/$id", params: { id } })).catch(complain);
  };
  const remove = async () => {
    await trash([asset.id]);
    say("In the trash.", "plain", { label: "Undo", run: () => void restore([asset.id]).catch(complain) });
    void navigate({ to: "/assets" });
  };
  const forGood = async () => {
    if (!window.confirm("Remove this file for good? This cannot be undone.")) return;
    await purge([asset.id]);
    void navigate({ to: "/assets", search: { tab: "trash" } });
  };
  if (asset.trashed_at) {
    return (
      <div className="toolbar">
        <p className="note w-full">This frame is in the trash.</p>
        <button type="button" className="button" onClick={() => restore([asset.id]).catch(complain)}>Restore</button>
        <button type="button" className="button" onClick={() => forGood().catch(complain)}>Remove for good</button>
      </div>
    );
  }
  const more: (Choice | null)[] = [
    ...upscalers.slice(0, 6).map((model) => ({ label: `Upscale with ${model.title}`, run: () => void upscale({ id: asset.id, kind: asset.kind === "video" ? "video" : "image" }, model.id, undefined, asset.session_id ?? "library").then((id) => navigate({ to: "/job/$id", params: { id } })).catch(complain) })),
    ...(picture && movers.length ? [{ label: "To video", run: () => void navigate({ to: "/video", search: { from: asset.id, take: "start" as const } }) }] : []),
    null,
    { label: "Copy as curl", run: () => copy("The command", asCurl(asset, location.origin)) },
    { label: "Copy for the shell", run: () => copy("The command", asCommand(asset)) },
    { label: "Copy the prompt", run: () => copy("The prompt", asset.prompt) },
    { label: "Copy the recipe as JSON", run: () => copy("The recipe", JSON.stringify(asset.recipe, null, 2)) },
    null,
    { label: "To the trash", run: () => void remove().catch(complain) },
  ];
  return (
    <div className="toolbar">
      {asset.kind === "audio" ? <OwnWorkflow model={asset.model} /> : <Menu trigger={<button type="button" className="button main"><Icon name="again" />Reuse</button>} choices={[{ label: "All settings", run: () => reuse("all") }, { label: "Seed", run: () => reuse("seed") }, { label: "Prompt", run: () => reuse("prompt") }]} />}
      {picture && <Link to="/image" search={{ session: asset.session_id ?? undefined, from: asset.id, take: "reference" }} className="button">Use as reference</Link>}
      {source && <Link to="/video" search={{ from: asset.id, take: "source" }} className="button">Use as source</Link>}
      {asset.job_id && <button type="button" className="button" onClick={rerun}>Run again</button>}
      <Menu trigger={<button type="button" className="button" aria-label="Download"><Icon name="down" /></button>} choices={downloads(asset)} />
      <Menu trigger={<button type="button" className="button square" aria-label="More for this frame"><Icon name="more" /></button>} choices={more} />
    </div>
  );
}

/** Sounds are made in the room of workflows, so their settings go there. */
function OwnWorkflow({ model }: { model: string }) {
  const known = useQuery(queries.model(model)).data;
  if (known?.id !== model || !known.tags.includes("workflow")) return null;
  return <Link to="/workflows/$id" params={{ id: model.slice(model.indexOf(":") + 1) }} className="button main">Open its workflow</Link>;
}

const SKIPPED = new Set(["schema", "prompt", "model", "seed", "width", "height", "duration", "parents", "versions", "timings", "cost", "facts", "job_id", "index", "created", "diorama", "backend", "operation", "parameters", "loras"]);

function Recipe({ asset }: { asset: AssetDetail }) {
  const free = useNoCharge(asset.model);
  const recipe = asset.recipe as Record<string, unknown>;
  const inner = (name: string) => Object.entries((recipe[name] as Record<string, unknown> | undefined) ?? {});
  const loras = (recipe.loras as { id: string; weight: number }[] | undefined) ?? [];
  const took = inner("timings").reduce((sum, [, value]) => sum + (typeof value === "number" ? value : 0), 0);
  const rows: [string, string][] = [
    ["Operation", asset.operation],
    ["Seed", asset.seed === null ? "" : String(asset.seed)],
    ["Size", asset.kind === "audio" ? bytes(asset.bytes) : `${asset.width} × ${asset.height}, ${bytes(asset.bytes)}`],
    ...(asset.duration ? [["Length", `${seconds(asset.duration)}${asset.fps ? ` at ${asset.fps} fps` : ""}${asset.kind === "audio" ? `, ${soundWords(asset)}` : asset.has_audio ? ", with sound" : ""}`] as [string, string]] : []),
    ...Object.entries(recipe).filter(([name]) => !SKIPPED.has(name)).map(([name, value]) => [nameOf(name), plain(value)] as [string, string]),
    ...inner("parameters").map(([name, value]) => [nameOf(name), plain(value)] as [string, string]),
    ...loras.map((lora) => ["LoRA", `${lora.id} ${lora.weight}`] as [string, string]),
    ["Made", moment(asset.created_at)],
    ...(took ? [["Took", seconds(took)] as [string, string]] : []),
    ["Cost", asset.cost === null ? free : money(asset.cost)],
    ...inner("versions").map(([name, value]) => [name, plain(value)] as [string, string]),
  ];
  return (
    <section aria-label="Recipe">
      <h2 className="label mb-1">Recipe</h2>
      <dl className="facts">
        <dt>Model</dt><dd><Link to="/model/$" params={{ _splat: asset.model }} className="text-link">{asset.model}</Link></dd>
        {rows.filter(([, value]) => value !== "").map(([name, value], index) => [<dt key={`${name}-${index}-name`}>{name}</dt>, <dd key={`${name}-${index}`}>{value}</dd>])}
        {asset.job_id && [<dt key="job-name">Job</dt>, <dd key="job"><Link to="/job/$id" params={{ id: asset.job_id }} className="text-link">{asset.job_id.slice(-8)}</Link></dd>]}
      </dl>
    </section>
  );
}

function Lineage({ asset }: { asset: AssetDetail }) {
  const siblings = useQuery({ queryKey: ["assets", "of-job", asset.job_id], enabled: Boolean(asset.job_id), queryFn: ({ signal }) => take(api.GET("/api/assets", { params: { query: { job_id: asset.job_id ?? "", limit: 20 } }, signal })) }).data?.assets.filter((item) => item.id !== asset.id) ?? [];
  const groups: [string, string[]][] = [["Made from", asset.parents], ["Made with it", siblings.map((item) => item.id)]];
  return (
    <>
      {groups.filter(([, ids]) => ids.length > 0).map(([name, ids]) => (
        <section key={name} aria-label={name}>
          <h2 className="label mb-1.5">{name}</h2>
          <ul className="flex flex-wrap gap-1.5">
            {ids.map((id) => (
              <li key={id} className="grid gap-1 bg-film">
                <Link to="/asset/$id" params={{ id }} className="frame h-24"><img src={`/api/assets/${id}/thumbnail`} alt={`${name}: frame ${id.slice(-6)}`} className="!h-24 !w-auto" /></Link>
                {asset.kind === "image" && <Link to="/compare" search={{ a: id, b: asset.id }} className="text-link px-1 pb-1 text-center text-sm text-film-ink">compare</Link>}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}
