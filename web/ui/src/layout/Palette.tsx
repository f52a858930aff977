import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useId, useState } from "react";
import { queries } from "@/api/queries";
import { type BackendPage, useBackendPages } from "@/lib/backends";
import { chooseTheme } from "@/lib/theme";
import { newId } from "@/lib/numbers";
import { Dialog } from "@/ui/Dialog";

interface Command {
  name: string;
  group: string;
  run: () => void;
}

const MOST = 12;

/** One field for everything: pages, sessions, models, actions. */
export default function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const list = useId();
  const shown = search(useCommands(), text).slice(0, MOST);
  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    command.run();
  };
  const pressed = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setAt((at + step + shown.length) % Math.max(1, shown.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(shown[at]);
    }
  };
  return (
    <Dialog title="Go to" onClose={onClose}>
      <input className="field !border-x-0 !border-t-0 px-4 py-3 text-lg" placeholder="A page, a session, a model" data-autofocus role="combobox" aria-expanded="true" aria-controls={list}
        aria-activedescendant={shown[at] ? `${list}-${at}` : undefined} aria-label="Search commands" value={text} onKeyDown={pressed}
        onChange={(event) => { setText(event.target.value); setAt(0); }} />
      <div id={list} role="listbox" aria-label="Commands" className="py-1">
        {shown.map((command, index) => (
          <div key={`${command.group}-${command.name}-${index}`} id={`${list}-${index}`} role="option" aria-selected={index === at} tabIndex={-1} className="menu-item" data-highlighted={index === at ? "" : undefined}
            onMouseEnter={() => setAt(index)} onClick={() => run(command)} onKeyDown={() => undefined}>
            <span className="flex-1 truncate">{command.name}</span><span className="label">{command.group}</span>
          </div>
        ))}
        {shown.length === 0 && <p className="hint px-4 py-2">Nothing of that name.</p>}
      </div>
    </Dialog>
  );
}

function useCommands(): Command[] {
  const navigate = useNavigate();
  const more = useBackendPages();
  const models = useQuery(queries.models()).data?.models ?? [];
  const images = useQuery(queries.sessions("image")).data?.sessions ?? [];
  const videos = useQuery(queries.sessions("video")).data?.sessions ?? [];
  const page = (name: string, to: "/image" | "/video" | "/assets" | "/queue" | "/models" | "/logs" | "/settings" | BackendPage[0]): Command => ({ name, group: "Page", run: () => void navigate({ to }) });
  return [
    page("Image bench", "/image"), page("Video bench", "/video"), page("Library", "/assets"), page("Queue", "/queue"), page("Models", "/models"), page("Log", "/logs"), page("Settings", "/settings"),
    ...more.map(([to, name]) => page(name, to)),
    { name: "New image session", group: "Do", run: () => void navigate({ to: "/image", search: { session: newId() } }) },
    { name: "New video session", group: "Do", run: () => void navigate({ to: "/video", search: { session: newId() } }) },
    { name: "Favourites", group: "Page", run: () => void navigate({ to: "/assets", search: { tab: "favourites" } }) },
    ...(["dark", "light", "system"] as const).map((theme) => ({ name: `Theme: ${theme}`, group: "Do", run: () => void chooseTheme(theme) })),
    ...images.map((session) => ({ name: session.title || "Untitled", group: "Session", run: () => void navigate({ to: "/image", search: { session: session.id } }) })),
    ...videos.map((session) => ({ name: session.title || "Untitled", group: "Video session", run: () => void navigate({ to: "/video", search: { session: session.id } }) })),
    ...models.map((model) => ({ name: model.title, group: model.backend, run: () => void navigate({ to: "/model/$", params: { _splat: model.id } }) })),
  ];
}

function search(commands: Command[], text: string): Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return commands.filter((command) => words.every((word) => `${command.name} ${command.group}`.toLowerCase().includes(word)));
}
