import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { sentenceOf } from "@/api/client";
import { queries } from "@/api/queries";
import { ShortcutList } from "@/layout/ShortcutSheet";
import { chooseTheme, currentTheme, type Theme } from "@/lib/theme";
import { useTitle } from "@/lib/useTitle";
import { say } from "@/ui/toasts";
import { Costs } from "./Costs";
import { Defaults, History } from "./Defaults";
import { Plugins } from "./Plugins";
import { Providers } from "./Providers";
import { Storage } from "./Storage";

const SECTIONS = [
  ["appearance", "Appearance", ThemeChoice],
  ["defaults", "Defaults", Defaults],
  ["costs", "Costs", Costs],
  ["providers", "Providers and keys", Providers],
  ["log", "History", History],
  ["storage", "Storage", Storage],
  ["plugins", "Backends and plugins", Plugins],
  ["shortcuts", "Shortcuts", ShortcutList],
] as const;

/** What people set, and what the server was started with. */
export default function SettingsPage() {
  useTitle("Settings");
  const settled = useSettled();
  useEffect(() => {
    if (settled && location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }, [settled]);
  return (
    <div className="page mx-auto max-w-[76rem]">
      <div className="page-head">
        <h1 className="title">Settings</h1>
        <nav className="flex gap-x-4 gap-y-1 overflow-x-auto whitespace-nowrap max-md:-mb-3 max-md:w-full max-md:pb-3 md:flex-wrap" aria-label="Sections">
          {SECTIONS.map(([id, name]) => <Link key={id} to="/settings" hash={id} className="text-link max-md:py-1">{name}</Link>)}
        </nav>
      </div>
      <div className="grid min-h-[80dvh] content-start gap-10" aria-busy={!settled}>
        {settled && SECTIONS.map(([id, name, Body]) => (
          <section key={id} id={id} className="grid scroll-mt-20 gap-x-8 gap-y-2 md:grid-cols-[11rem_minmax(0,1fr)]" aria-labelledby={`${id}-title`}>
            <h2 className="title !text-[1.2rem]"><span id={`${id}-title`}>{name}</span>{id === "log" && <Link to="/logs" search={{}} className="text-link ml-3 text-base font-normal md:ml-0 md:block">to the log</Link>}</h2>
            <div className="min-w-0"><Body /></div>
          </section>
        ))}
      </div>
    </div>
  );
}

/** Whether all that stands in the first window was read: sections come together, so that nothing jumps. */
function useSettled(): boolean {
  const parts = [useQuery(queries.preferences), useQuery(queries.models()), useQuery(queries.costsBy("day")), useQuery(queries.providers)];
  return !parts.some((part) => part.isPending);
}

function ThemeChoice() {
  const { data } = useQuery(queries.preferences);
  const [chosen, setChosen] = useState<Theme>();
  const theme = chosen ?? data?.theme ?? currentTheme();
  return (
    <fieldset><legend className="sr">Theme</legend>
      <div className="segments">
        {(["system", "dark", "light"] as const).map((name) => (
          <button key={name} type="button" className="tab" aria-pressed={theme === name} onClick={() => { setChosen(name); chooseTheme(name).catch((error: unknown) => say(sentenceOf(error), "wrong")); }}>{name === "system" ? "As the device" : name === "dark" ? "Dark" : "Light"}</button>
        ))}
      </div>
    </fieldset>
  );
}
