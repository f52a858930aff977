import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, sentenceOf, take } from "@/api/client";
import { client, queries } from "@/api/queries";
import { say } from "@/ui/toasts";

type Provider = NonNullable<ReturnType<typeof useProviders>>[number];

function useProviders() {
  return useQuery(queries.providers).data?.providers;
}

/** Keys go in and never come out. */
export function Providers() {
  const providers = useProviders();
  if (!providers) return null;
  if (!providers.length) return <p className="hint">No backend in use takes a key.</p>;
  return <div className="grid gap-5">{providers.map((provider) => <OneProvider key={provider.id} provider={provider} />)}</div>;
}

function OneProvider({ provider }: { provider: Provider }) {
  const [answer, setAnswer] = useState<{ ok: boolean; message: string } | null>(null);
  const [busy, setBusy] = useState(false);
  const test = async () => {
    setBusy(true);
    try {
      setAnswer(await take(api.POST("/api/settings/providers/{backend_id}/test", { params: { path: { backend_id: provider.id } } })));
    } catch (error) {
      setAnswer({ ok: false, message: sentenceOf(error) });
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="border-t border-line pt-3">
      <div className="mb-2 flex items-center justify-between gap-3"><h3 className="text-[1.15rem]">{provider.title}</h3><button type="button" className="button" disabled={busy} onClick={() => void test()}>{busy ? "Asking" : "Test"}</button></div>
      {answer && <p className={answer.ok ? "hint" : "wrong"} role="status">{answer.message}</p>}
      <div className="grid gap-3">{provider.secrets.map((secret) => <Secret key={secret.name} backend={provider.id} secret={secret} />)}</div>
    </div>
  );
}

function Secret({ backend, secret }: { backend: string; secret: Provider["secrets"][number] }) {
  const path = { params: { path: { backend_id: backend, name: secret.name } } };
  const act = async (work: () => Promise<{ message: string }>) => {
    try {
      say((await work()).message);
      await client.invalidateQueries({ queryKey: ["providers"] });
    } catch (error) {
      say(sentenceOf(error), "wrong");
    }
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const value = String(new FormData(form).get("value") ?? "");
    if (value) void act(() => take(api.PUT("/api/settings/providers/{backend_id}/{name}", { ...path, body: { value } }))).then(() => form.reset());
  };
  const fixed = secret.source === "environment";
  return (
    <form className="grid gap-1" onSubmit={submit}>
      <label className="label" htmlFor={`${backend}-${secret.name}`}>{secret.name}</label>
      <div className="flex flex-wrap gap-2">
        <input id={`${backend}-${secret.name}`} name="value" className="field number min-w-40 !w-auto flex-1" type="password" autoComplete="off" disabled={fixed} placeholder={secret.set ? `set${secret.ending ? `, ends in ${secret.ending}` : ""}` : "not set"} />
        {!fixed && <button type="submit" className="button">Keep</button>}
        {secret.set && !fixed && <button type="button" className="button bare" onClick={() => void act(() => take(api.DELETE("/api/settings/providers/{backend_id}/{name}", path)))}>Forget</button>}
      </div>
      <p className="hint">{fixed ? "Comes from the environment, which is changed there." : secret.variables.length ? `The environment variable ${secret.variables.join(" or ")} comes first.` : ""}</p>
    </form>
  );
}
