import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, type Preferences, sentenceOf, take } from "@/api/client";
import { client, queries } from "@/api/queries";
import { ShortcutList } from "@/layout/ShortcutSheet";
import { chooseTheme, currentTheme, type Theme } from "@/lib/theme";
import { useTitle } from "@/lib/useTitle";
import { say } from "@/ui/toasts";
import { OPERATIONS } from "../models/words";
import { Plugins } from "./Plugins";
import { Providers } from "./Providers";
import { Storage } from "./Storage";

const complain = (error: unknown) => say(sentenceOf(error), "wrong");

async function save(changes: Record<string, unknown>): Promise<void> {
  client.setQueryData(queries.preferences.queryKey, (await take(api.POST("/api/settings", { body: changes as never }))) as Preferences);
}

/** What people set, and what the server was started with. */
export default function SettingsPage() {
  useTitle("Settings");
  return (
    <div className="page mx-auto max-w-[70rem]">
      <div className="page-head"><h1 className="title">Settings</h1></div>
      <div className="grid gap-10">
        <Section title="Appearance"><ThemeChoice /></Section>
        <Section title="Defaults"><Defaults /></Section>
        <Section title="Providers and keys"><Providers /></Section>
        <Section title="Storage"><Storage /></Section>
        <Section title="Backends and plugins"><Plugins /></Section>
        <Section title="Keys"><ShortcutList /></Section>
      </div>
    </div>
  );
}

function Section({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section className="grid gap-x-8 gap-y-2 md:grid-cols-[12rem_minmax(0,1fr)]">
      <h2 className="title !text-[1.2rem]">{title}</h2>
      <div className="min-w-0">{children}</div>
    </section>
  );
}

function ThemeChoice() {
  const [theme, setTheme] = useState<Theme>(currentTheme);
  return (
    <fieldset><legend className="sr">Theme</legend>
      <div className="segments">
        {(["system", "dark", "light"] as const).map((name) => (
          <button key={name} type="button" className="tab" aria-pressed={theme === name} onClick={() => { setTheme(name); chooseTheme(name).catch(complain); }}>{name === "system" ? "As the device" : name === "dark" ? "Dark" : "Light"}</button>
        ))}
      </div>
    </fieldset>
  );
}

function Defaults() {
  const { data } = useQuery(queries.preferences);
  const models = useQuery(queries.models()).data?.models ?? [];
  if (!data) return null;
  const choose = (operation: string, id: string) => {
    const next = { ...data.default_models };
    if (id) next[operation] = id;
    else delete next[operation];
    save({ default_models: next }).catch(complain);
  };
  return (
    <div className="grid max-w-xl gap-4">
      {Object.entries(OPERATIONS).map(([operation, name]) => {
        const fitting = models.filter((model) => model.operations.includes(operation as keyof typeof OPERATIONS));
        return fitting.length > 0 && (
          <label key={operation} className="grid gap-1"><span className="label">{name}</span>
            <select className="field" value={data.default_models[operation] ?? ""} onChange={(event) => choose(operation, event.target.value)}>
              <option value="">The server's choice</option>
              {fitting.map((model) => <option key={model.id} value={model.id}>{model.title} ({model.backend})</option>)}
            </select>
          </label>
        );
      })}
      <label className="grid gap-1"><span className="label">Prompts kept at hand</span>
        <input type="number" className="field number !w-32" min={0} max={1000} defaultValue={data.prompt_history} onBlur={(event) => event.target.validity.valid && save({ prompt_history: Number(event.target.value) }).catch(complain)} />
      </label>
      <label className="grid gap-1"><span className="label">File format of pictures</span>
        <select className="field !w-44" value={data.output_format ?? ""} onChange={(event) => save({ output_format: event.target.value || null }).catch(complain)}>
          <option value="">As configured</option><option value="png">PNG</option><option value="jpeg">JPEG</option><option value="webp">WebP</option>
        </select>
      </label>
    </div>
  );
}
