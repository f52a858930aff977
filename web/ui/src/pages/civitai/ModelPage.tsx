import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useParams } from "@tanstack/react-router";
import { sentenceOf } from "@/api/client";
import { useTitle } from "@/lib/useTitle";
import { Files } from "./Files";
import { Prose } from "./Prose";
import { civitai } from "./queries";
import { Shot } from "./Shot";
import { TriggerWords } from "./TriggerWords";
import { count, licence, type Model, type Version } from "./facts";

const route = getRouteApi("/civitai/$id");

/** One model of Civitai: how it looks, what it may be used for, and the file to fetch. */
export default function ModelPage() {
  const { id = "" } = useParams({ strict: false });
  const search = route.useSearch();
  const { data, error } = useQuery(civitai.model(Number(id), search.nsfw ?? false));
  useTitle(data?.name ?? "Civitai");
  if (error) return <section className="page"><h1 className="title mb-2">This model cannot be shown.</h1><p className="wrong mb-3" role="alert">{sentenceOf(error)}</p><Link to="/civitai" className="text-link">Back to the search</Link></section>;
  if (!data) return <div className="min-h-[70dvh]" aria-busy="true" />;
  const version = data.versions.find((item) => item.id === search.version) ?? data.versions[0];
  return (
    <div className="page mx-auto max-w-[110rem]">
      <div className="page-head">
        <div className="min-w-0"><h1 className="title">{data.name}</h1><p className="param text-dim">{[data.type, data.creator && `by ${data.creator}`, `▸ ${data.id}`].filter(Boolean).join(" · ")}</p></div>
        <div className="toolbar"><Link to="/civitai" className="button">Search</Link><a className="button" href={/^https?:\/\//i.test(data.page) ? data.page : undefined} target="_blank" rel="noreferrer noopener">At Civitai</a></div>
      </div>
      {data.mode && <p className="note mb-4">This model is {data.mode === "TakenDown" ? "taken down" : "archived"}; some of its files are no longer given out.</p>}
      {data.versions.length > 1 && <Versions model={data} chosen={version?.id} nsfw={search.nsfw} />}
      {version ? <OneVersion key={version.id} model={data} version={version} /> : <p className="hint">It has no version to fetch.</p>}
    </div>
  );
}

function Versions({ model, chosen, nsfw }: { model: Model; chosen: number | undefined; nsfw: true | undefined }) {
  return (
    <nav className="-mx-1 mb-4 flex flex-wrap border-b border-line" aria-label="Versions">
      {model.versions.map((version) => (
        <Link key={version.id} to="/civitai/$id" params={{ id: String(model.id) }} search={{ version: version.id, ...(nsfw ? { nsfw } : {}) }} replace className="tab -mb-px" aria-current={version.id === chosen ? "page" : undefined} data-on={version.id === chosen}>{version.name}</Link>
      ))}
    </nav>
  );
}

function OneVersion({ model, version }: { model: Model; version: Version }) {
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-x-8 gap-y-6 lg:grid-cols-[minmax(0,1fr)_minmax(22rem,30rem)] lg:grid-rows-[auto_1fr]">
      <div className="min-w-0"><Strip model={model} version={version} /></div>
      <aside className="grid min-w-0 grid-cols-[minmax(0,1fr)] content-start gap-6 lg:row-span-2" aria-label="Facts and files">
        <Files version={version} />
        <TriggerWords words={version.trigger_words} />
        <Facts model={model} version={version} />
        <Licence model={model} />
      </aside>
      <div className="grid min-w-0 content-start gap-6">
        <Prose html={version.description} title="About this version" />
        <Prose html={model.description} title="About the model" />
      </div>
    </div>
  );
}

/** The previews as a strip; each in its own shape. */
function Strip({ model, version }: { model: Model; version: Version }) {
  if (!version.images.length) return <p className="hint">It shows no previews{model.nsfw ? " that are for everybody" : ""}.</p>;
  return (
    <section className="strip" aria-label="Previews">
      <div className="sprockets" aria-hidden="true" />
      <div className="edge"><span className="truncate">{version.name}</span><span className="number">{version.images.length} {version.images.length === 1 ? "frame" : "frames"}</span></div>
      <ul className="flex snap-x scroll-px-2 gap-1.5 overflow-x-auto px-2 pb-2" tabIndex={0} aria-label="Previews of this version">
        {version.images.map((image, index) => (
          <li key={image.url} className="frame flex-none snap-start" style={{ width: `min(calc(clamp(16rem, 50dvh, 34rem) * ${shape(image)}), 82vw)` }}>
            <span className="picture" style={{ aspectRatio: String(shape(image)) }}><Shot preview={image} alt={image.prompt ? image.prompt.slice(0, 140) : `Preview ${index + 1} of ${model.name}`} size="page" /></span>
            <span className="edge !px-1"><span className="number">{index + 1}</span></span>
          </li>
        ))}
      </ul>
      <div className="sprockets" aria-hidden="true" />
    </section>
  );
}

const shape = (image: { width: number; height: number }): number => (image.width > 0 && image.height > 0 ? Math.min(2.4, Math.max(0.4, image.width / image.height)) : 0.75);

const SETTINGS: Record<string, string> = { num_inference_steps: "steps", guidance_scale: "guidance", clip_skip: "clip skip" };

function Facts({ model, version }: { model: Model; version: Version }) {
  const { width, height, ...others } = version.recommended as Record<string, unknown>;
  const settings = [width && height ? `${String(width)} × ${String(height)}` : "", ...Object.entries(others).map(([name, value]) => `${SETTINGS[name] ?? name} ${String(value)}`)].filter(Boolean).join(", ");
  const rows: [string, string][] = [
    ["Base model", [version.base_model, version.base_model_type === "Standard" ? "" : version.base_model_type].filter(Boolean).join(", ")],
    ["Fits here", version.kind ? `models of the kind ${version.kind}` : "no backend here is known to load it"],
    ["Works well with", settings],
    ["Published", version.published_at?.slice(0, 10) ?? ""],
    ["For buyers until", version.early_access_until ?? ""],
    ["Fetched", `${count(version.downloads || model.downloads)} times`],
    ["Tags", model.tags.slice(0, 12).join(", ")],
    ["AIR", version.air ?? ""],
  ];
  return (
    <section aria-label="Facts"><h2 className="label mb-1">Facts</h2>
      <dl className="facts border-t border-line">{rows.filter(([, value]) => value).map(([name, value]) => [<dt key={`${name}-name`}>{name}</dt>, <dd key={name}>{value}</dd>])}</dl>
    </section>
  );
}

function Licence({ model }: { model: Model }) {
  return (
    <section aria-label="Licence"><h2 className="label mb-1">Its creator's terms</h2>
      <dl className="facts border-t border-line">
        {licence(model.license).map(([what, may, words]) => [<dt key={`${what}-name`}>{what}</dt>, <dd key={what} className={may === false && what !== "Credit" ? "text-mark" : may === null ? "text-dim" : ""}>{words}</dd>])}
      </dl>
    </section>
  );
}
