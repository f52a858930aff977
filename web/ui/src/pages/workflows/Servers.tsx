import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { sentenceOf } from "@/api/client";
import { bytes } from "@/lib/format";
import { say } from "@/ui/toasts";
import { comfy, freeMemory, interrupt, type Server } from "./queries";

/** Every ComfyUI server that is configured: what it has, what it does, or how to get it going. */
export function Servers() {
  const { data, error } = useQuery(comfy.status);
  if (error) return <p className="wrong mb-4" role="alert">{sentenceOf(error)}</p>;
  return (
    <section aria-label="ComfyUI servers" className="mb-6 min-h-16">
      <ul className="rows border-t border-line">{data?.servers.map((server) => <OneServer key={server.url} server={server} />)}</ul>
    </section>
  );
}

function OneServer({ server }: { server: Server }) {
  return (
    <li className="grid items-center gap-x-6 gap-y-2 py-3 lg:grid-cols-[minmax(14rem,auto)_minmax(0,1fr)_auto]">
      <div className="flex items-center gap-3">
        <span className={`grid size-3 flex-none place-items-center border ${server.online ? "border-ink bg-ink" : "border-mark"}`} aria-hidden="true" />
        <div className="min-w-0">
          <p className="param truncate">{server.url.replace(/^https?:\/\//, "")}</p>
          <p className={server.online ? "hint" : "wrong"}>{server.online ? `ComfyUI ${server.version}` : "does not answer"}</p>
        </div>
      </div>
      {server.online ? <Gauges server={server} /> : <Down server={server} />}
      {server.online && <Levers server={server} />}
    </li>
  );
}

function Gauges({ server }: { server: Server }) {
  return (
    <dl className="flex flex-wrap gap-x-8 gap-y-2">
      <div><dt className="label">Queue</dt><dd className="param">{server.queue === 0 ? "empty" : `${server.queue} at it`}</dd></div>
      {server.devices.map((device, index) => <Device key={index} device={device} />)}
    </dl>
  );
}

function Device({ device }: { device: Record<string, unknown> }) {
  const total = Number(device.vram_total) || 0;
  const free = Number(device.vram_free) || 0;
  const name = String(device.name ?? device.type ?? "device").replace(/ : cudaMallocAsync$| : native$/, "");
  return (
    <div className="min-w-44">
      <dt className="label truncate">{name}</dt>
      <dd className="param">
        {total > 0 ? `${bytes(free)} free of ${bytes(total)}` : "memory not told"}
        {total > 0 && <span className="mt-1 block h-[3px] bg-line" aria-hidden="true"><span className="block h-full origin-left bg-ink" style={{ transform: `scaleX(${Math.min(1, Math.max(0, 1 - free / total))})` }} /></span>}
      </dd>
    </div>
  );
}

function Down({ server }: { server: Server }) {
  return (
    <p className="note max-w-prose">
      {sentence(server.error)} Start ComfyUI there, or name the address of yours in <code className="param">config.toml</code>: <code className="param">[backends.comfyui] url = "http://127.0.0.1:8188"</code>. This page looks again by itself.
    </p>
  );
}

/** The server's reason as a sentence, without the name of an exception. */
function sentence(error: string): string {
  const text = error.replace(/ \(\w+(?:Error|Exception|Timeout)\)/, "").replace(/\.?$/, ".");
  return text.length > 1 ? `${text[0]?.toUpperCase()}${text.slice(1)}` : "Nothing answers there.";
}

function Levers({ server }: { server: Server }) {
  const [busy, setBusy] = useState(false);
  const act = (work: (url: string) => Promise<{ message: string }>) => async () => {
    setBusy(true);
    try {
      say((await work(server.url)).message);
    } catch (error) {
      say(sentenceOf(error), "wrong");
    } finally {
      setBusy(false);
    }
  };
  const stop = () => {
    if (window.confirm("Stop what runs on this ComfyUI, whoever sent it?")) void act(interrupt)();
  };
  return (
    <div className="flex gap-2">
      {server.queue > 0 && <button type="button" className="button" disabled={busy} onClick={stop}>Interrupt</button>}
      <button type="button" className="button" disabled={busy} title="Unload its models" onClick={() => void act(freeMemory)()}>Free its memory</button>
    </div>
  );
}
