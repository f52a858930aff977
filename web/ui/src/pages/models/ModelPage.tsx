import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { api, type Model, sentenceOf, take } from "@/api/client";
import { client, queries } from "@/api/queries";
import { bytes, numbersOf } from "@/lib/format";
import { useActive, useLive } from "@/jobs/hooks";
import { useTitle } from "@/lib/useTitle";
import { altOf, kindWord, Picture } from "@/ui/Picture";
import { say } from "@/ui/toasts";
import { galleryQuery } from "../assets/gallery";
import { Abilities } from "./Abilities";
import { operationWords, priceWords, remedy, STATES } from "./words";

/** One model: what it is, what it needs, what it accepts, what was made with it. */
export default function ModelPage() {
  const { _splat: id = "" } = useParams({ strict: false });
  const { data, error } = useQuery(queries.model(id));
  useTitle(data?.title ?? "Model");
  if (error) return <p className="page wrong" role="alert">{sentenceOf(error)}</p>;
  if (!data || data.id !== id) return <div className="min-h-[70dvh]" aria-busy="true" />;
  const sound = data.mode === "sound";
  const bench = sound ? null : data.operations.generate || data.operations.edit ? ("/image" as const) : data.operations.video ? ("/video" as const) : null;
  const ready = data.availability.state === "ready";
  return (
    <div className="page mx-auto max-w-[90rem]">
      <div className="page-head">
        <div><h1 className="title">{data.title}</h1><p className="param text-dim">{data.id}</p></div>
        <div className="toolbar">
          {bench && <Link to={bench} search={{ model: data.id }} className="button main">Use it</Link>}
          {sound && data.tags.includes("workflow") && <Link to="/workflows/$id" params={{ id: data.id.slice(data.backend.length + 1) }} className="button main">Use it</Link>}
          {data.downloadable && <OnDisk model={data} />}
        </div>
      </div>
      {!ready && (
        <p className="note mb-4"><strong>{STATES[data.availability.state]}.</strong> {remedy(data)}{" "}
          {data.availability.url && <a className="text-link" href={safeUrl(data.availability.url)} rel="noreferrer noopener" target="_blank">Open the page</a>}</p>
      )}
      <div className="grid gap-8 lg:grid-cols-[minmax(0,1fr)_24rem]">
        <div className="grid content-start gap-6">
          {data.description && <p className="max-w-prose text-[1.05rem]">{data.description}</p>}
          <MadeHere id={data.id} />
          {Object.entries(data.operations).map(([name, caps]) => (
            <section key={name}><h2 className="label mb-1">{operationWords([name], caps?.produces === "audio")}</h2><Abilities caps={caps as never} /></section>
          ))}
        </div>
        <Facts model={data} />
      </div>
    </div>
  );
}

/** Links of catalogs are other people's text: only web pages are followed. */
const safeUrl = (url: string): string | undefined => (/^https?:\/\//i.test(url) ? url : undefined);

function Facts({ model }: { model: Model }) {
  const stored = useQuery({ ...queries.cache, enabled: !model.data_leaves_machine }).data?.models.find((item) => item.id === model.id && item.cached);
  const told = useQuery({ ...queries.canGenerate(model.id), enabled: !model.data_leaves_machine }).data;
  const fit = told && told.free_gb !== null && told.can_generate ? told : null;
  const rows: [string, string][] = [
    ["Backend", model.backend],
    ["Runs", model.data_leaves_machine ? "on somebody else's computer" : "on this machine"],
    ["Price", priceWords(model)],
    ["Author", model.author],
    ["Family", model.family],
    ["Kind", model.kind],
    ["Category", model.category],
    ["On disk", stored?.size_bytes ? bytes(stored.size_bytes) : model.disk_gb ? `not here; about ${bytes(model.disk_gb * 1e9)}` : ""],
    ["Memory", fit ? fit.reason : model.memory_gb ? bytes(model.memory_gb * 1e9) : ""],
    ["Revision", model.revision ?? ""],
  ];
  return (
    <aside aria-label="Facts">
      <dl className="facts">
        {rows.filter(([, value]) => value).map(([name, value]) => [<dt key={`${name}-name`}>{name}</dt>, <dd key={name}>{value}</dd>])}
        {model.tags.length > 0 && [<dt key="tags-name">Tags</dt>, <dd key="tags" className="flex flex-wrap gap-x-3">{model.tags.map((tag) => <Link key={tag} to="/models" search={{ q: tag }} className="text-link">{tag}</Link>)}</dd>]}
        {model.license && [<dt key="licence-name">Licence</dt>, <dd key="licence">{safeUrl(model.license.url ?? "") ? <a className="text-link" href={safeUrl(model.license.url ?? "")} rel="noreferrer noopener" target="_blank">{model.license.name}</a> : model.license.name}{model.license.commercial_use === false ? ", not for commercial use" : ""}</dd>]}
        {Object.entries(model.links).map(([name, url]) => safeUrl(url) && [<dt key={`${name}-name`}>{name}</dt>, <dd key={name}><a className="text-link" href={safeUrl(url)} rel="noreferrer noopener" target="_blank">open</a></dd>])}
      </dl>
    </aside>
  );
}

function OnDisk({ model }: { model: Model }) {
  const download = useActive().find((live) => live.job?.kind === "download" && live.job.model === model.id);
  const refresh = () => client.invalidateQueries({ queryKey: ["model"] }).then(() => client.invalidateQueries({ queryKey: ["models"] }));
  const complain = (error: unknown) => say(sentenceOf(error), "wrong");
  const path = { params: { path: { model_id: model.id } } };
  const fetchIt = () => take(api.POST("/api/models/{model_id}/download", path)).catch(complain);
  const remove = async () => {
    if (!window.confirm(`Delete ${model.title} from this disk?`)) return;
    const gone = await take(api.DELETE("/api/models/{model_id}/cache", path));
    say(`${bytes(gone.freed_bytes)} are free again.`);
    await refresh();
  };
  if (download) return <Link to="/job/$id" params={{ id: download.job_id }} className="readout"><DownloadState id={download.job_id} /></Link>;
  return model.availability.state === "ready" ? (
    <button type="button" className="button" onClick={() => remove().catch(complain)}>Delete from disk</button>
  ) : model.availability.state === "needs_download" ? (
    <button type="button" className="button" onClick={() => void fetchIt()}>Download{model.disk_gb ? ` ${bytes(model.disk_gb * 1e9)}` : ""}</button>
  ) : null;
}

function DownloadState({ id }: { id: string }) {
  const live = useLive(id);
  return <>{live ? `Downloading ${Math.floor(live.progress)}% ${numbersOf(live)}` : "Downloading"}</>;
}

function MadeHere({ id }: { id: string }) {
  const made = useInfiniteQuery(galleryQuery({ model: id }, 12)).data?.pages[0]?.assets ?? [];
  if (!made.length) return null;
  return (
    <section>
      <h2 className="label mb-2">Made here</h2>
      <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(9.5rem,44%),1fr))] gap-1.5">
        {made.map((asset) => (
          <li key={asset.id} className="frame on-film">
            <Link to={asset.kind === "video" ? "/asset/video/$id" : "/asset/$id"} params={{ id: asset.id }} className="picture aspect-square"><Picture src={asset.thumbnail_url} alt={altOf(asset.prompt, kindWord(asset.kind))} width={asset.width} height={asset.height} placeholder={asset.placeholder} /></Link>
            <span className="edge"><span className="number">{asset.seed ?? "–"}</span></span>
          </li>
        ))}
      </ul>
      <Link to="/assets" search={{ model: id }} className="text-link mt-2 inline-block">All of them</Link>
    </section>
  );
}
