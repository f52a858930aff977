import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { api, type Provider, sentenceOf, take } from "@/api/client";
import { client, queries } from "@/api/queries";
import { moment } from "@/lib/format";
import { Secret } from "./Secret";

/** Keys go in and never come out. */
export function Providers() {
  const providers = useQuery(queries.providers).data?.providers;
  if (!providers) return null;
  if (!providers.length) return <p className="hint">No backend in use takes a key or has an address.</p>;
  return <div className="rows border-t border-line">{providers.map((provider) => <OneProvider key={provider.id} provider={provider} />)}</div>;
}

type Answer = { ok: boolean; message: string };

/** Shows a changed provider at once; its models are listed anew in the background, so they are asked for again a little later. */
async function shown(changed: Provider): Promise<void> {
  client.setQueryData(queries.providers.queryKey, (old) => old && { providers: old.providers.map((item) => (item.id === changed.id ? changed : item)) });
  await Promise.all(["providers", "models", "model"].map((key) => client.invalidateQueries({ queryKey: [key] })));
  setTimeout(() => void client.invalidateQueries({ queryKey: ["providers"] }), 2500);
}

function OneProvider({ provider }: { provider: Provider }) {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [busy, setBusy] = useState("");
  const address = useId();
  const path = { params: { path: { provider_id: provider.id } } };
  const act = (name: string, work: () => Promise<Answer | null>) => async () => {
    setBusy(name);
    try {
      setAnswer(await work());
    } catch (error) {
      setAnswer({ ok: false, message: sentenceOf(error) });
    } finally {
      setBusy("");
    }
  };
  const change = (body: { secrets?: Record<string, string | null>; api_url?: string | null; is_enabled?: boolean }) =>
    take(api.PUT("/api/providers/{provider_id}", { ...path, body: body as never })).then(shown);
  const test = act("test", async () => {
    const told = await take(api.POST("/api/providers/{provider_id}/test", path));
    return { ok: told.ok, message: [told.message, told.error?.fix].filter(Boolean).join(" ") };
  });
  const discover = act("discover", async () => {
    const found = await take(api.POST("/api/providers/{provider_id}/discover", path));
    await shown(found);
    return { ok: !found.error, message: found.error ?? `${found.models.toLocaleString("en")} models found, ${found.ready.toLocaleString("en")} ready.` };
  });
  const keep = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const values = new FormData(form);
    const secrets = Object.fromEntries(provider.secrets.flatMap(({ name }) => (values.get(name) ? [[name, String(values.get(name))]] : [])));
    const url = values.get("api_url");
    const moved = typeof url === "string" && url.trim() !== (provider.api_url ?? "");
    if (!moved && !Object.keys(secrets).length) return;
    void act("keep", async () => {
      await change({ ...(Object.keys(secrets).length ? { secrets } : {}), ...(moved ? { api_url: url.trim() || null } : {}) });
      form.reset();
      return { ok: true, message: "Kept. It holds from the next job on." };
    })();
  };
  const fixed = provider.secrets.every((secret) => secret.source === "environment");
  const facts = !provider.is_enabled ? "off" : provider.fetched_at ? `${provider.models.toLocaleString("en")} models, ${provider.ready.toLocaleString("en")} ready, listed ${moment(provider.fetched_at)}` : "not listed yet";
  return (
    <section className="grid gap-2.5 py-3" aria-label={provider.title}>
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1.5">
        <h3 className="min-w-0 text-[1.15rem]">{provider.title} <span className="param ml-1 font-normal text-dim">{facts}</span></h3>
        <div className="toolbar">
          <label className="mr-2 flex min-h-6 items-center gap-2"><input type="checkbox" role="switch" checked={provider.is_enabled} disabled={busy !== ""} onChange={(event) => void act("switch", () => change({ is_enabled: event.target.checked }).then(() => null))()} />In use</label>
          {provider.is_enabled && <button type="button" className="button" disabled={busy !== ""} onClick={() => void test()}>{busy === "test" ? "Asking" : "Test"}</button>}
          {provider.is_enabled && <button type="button" className="button" disabled={busy !== ""} onClick={() => void discover()}>{busy === "discover" ? "Asking" : "Discover models"}</button>}
        </div>
      </div>
      {provider.error && !answer && <p className="note">{provider.error}</p>}
      {answer && <p className={answer.ok ? "hint" : "wrong"} role="status">{answer.message}</p>}
      {provider.is_enabled && (provider.secrets.length > 0 || provider.api_url !== null) && (
        <form className="grid gap-3 lg:grid-cols-2" onSubmit={keep} key={String(provider.api_url)}>
          {provider.secrets.map((secret) => (
            <Secret key={secret.name} provider={provider.id} secret={secret} onForget={() => void act("forget", () => change({ secrets: { [secret.name]: null } }).then(() => ({ ok: true, message: "Forgotten." })))()} />
          ))}
          {provider.api_url !== null && (
            <div className="grid content-start gap-1">
              <label className="label" htmlFor={address}>Address</label>
              <input id={address} name="api_url" className="field number" type="url" defaultValue={provider.api_url} />
              <p className="hint">{provider.api_url_changed ? "Set here; empty returns to the usual one." : "Another server's address has to come with its key."}</p>
            </div>
          )}
          {!(fixed && provider.api_url === null) && <button type="submit" className="button justify-self-start lg:col-span-full" disabled={busy !== ""}>Keep</button>}
        </form>
      )}
    </section>
  );
}
