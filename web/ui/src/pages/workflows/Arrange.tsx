import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { sentenceOf } from "@/api/client";
import { Dialog } from "@/ui/Dialog";
import { say } from "@/ui/toasts";
import { arranged, controlOf, type Overrides, type Parameter, type Values, type Workflow } from "./form";
import { changeWorkflow, comfy } from "./queries";

type Place = "main" | "advanced" | "hidden";
const PLACES: readonly [Place, string][] = [["main", "In front"], ["advanced", "Advanced"], ["hidden", "Not shown"]];

/** Which values the form asks for, under which names. Kept with the workflow, so every surface has the same form. */
export default function Arrange({ workflow, values, onClose }: { workflow: Workflow; values: Values; onClose: () => void }) {
  const servers = useQuery(comfy.status).data?.servers ?? [];
  const [overrides, setOverrides] = useState<Overrides>(workflow.overrides);
  const [server, setServer] = useState(workflow.server ?? "");
  const [find, setFind] = useState("");
  const [busy, setBusy] = useState(false);
  const change = (name: string, what: Record<string, unknown>) => setOverrides((old) => arranged(old, name, what));
  const keepValues = () => setOverrides((old) => workflow.parameters.reduce((all, item) => (isPlain(values[item.name]) && controlOf(item) !== "media" ? arranged(all, item.name, { default: values[item.name] }) : all), old));
  const save = async () => {
    setBusy(true);
    try {
      await changeWorkflow(workflow.id, { overrides, server: server || null });
      say("The form is arranged.");
      onClose();
    } catch (error) {
      say(sentenceOf(error), "wrong");
    } finally {
      setBusy(false);
    }
  };
  const words = find.toLowerCase();
  const shown = workflow.parameters.filter((item) => `${item.label} ${item.name} ${item.section ?? ""}`.toLowerCase().includes(words));
  return (
    <Dialog title="Arrange the form" onClose={onClose} wide foot={
      <>
        <button type="button" className="button bare" onClick={() => setOverrides({})}>As it was found</button>
        <button type="button" className="button" onClick={keepValues}>Keep my values as its own</button>
        <button type="button" className="button main" disabled={busy} onClick={() => void save()}>{busy ? "Saving" : "Save"}</button>
      </>
    }>
      <div className="toolbar border-b border-line px-4 py-3">
        <input type="search" className="field min-w-40 !w-auto flex-1" placeholder="Find a value" aria-label="Find a value" value={find} onChange={(event) => setFind(event.target.value)} />
        {servers.length > 1 && (
          <select className="field !w-64" aria-label="Server" value={server} onChange={(event) => setServer(event.target.value)}>
            <option value="">Any server that is free</option>
            {servers.map((item) => <option key={item.url} value={item.url}>{item.url}</option>)}
          </select>
        )}
      </div>
      <ul className="rows px-4">{shown.map((item) => <Row key={item.name} parameter={item} change={overrides[item.name] ?? {}} onChange={(what) => change(item.name, what)} />)}</ul>
      {!shown.length && <p className="hint p-4">No value of that name.</p>}
    </Dialog>
  );
}

const isPlain = (value: unknown): boolean => ["string", "number", "boolean"].includes(typeof value);

function Row({ parameter, change, onChange }: { parameter: Parameter; change: Record<string, unknown>; onChange: (what: Record<string, unknown>) => void }) {
  const hidden = typeof change.hidden === "boolean" ? change.hidden : false;
  const group = change.group === "main" || change.group === "advanced" ? change.group : parameter.group;
  const place: Place = hidden ? "hidden" : group;
  const move = (to: Place) => onChange(to === "hidden" ? { hidden: true } : { hidden: undefined, group: to });
  const label = typeof change.label === "string" ? change.label : parameter.label;
  return (
    <li className="grid items-center gap-x-4 gap-y-2 py-2 md:grid-cols-[minmax(0,1fr)_auto]">
      <div className="min-w-0">
        <input className="field" aria-label={`Name of ${parameter.label}`} value={label} maxLength={120} onChange={(event) => onChange({ label: event.target.value.trim() ? event.target.value : undefined })} />
        <p className="param truncate pt-0.5 text-[0.82rem] text-dim">{[parameter.name, parameter.section, valueWords(change.default ?? parameter.default)].filter(Boolean).join(" · ")}</p>
      </div>
      <fieldset className="segments justify-self-start"><legend className="sr">Place of {parameter.label}</legend>
        {PLACES.map(([name, words]) => <button key={name} type="button" className="tab" aria-pressed={place === name} onClick={() => move(name)}>{words}</button>)}
      </fieldset>
    </li>
  );
}

const valueWords = (value: unknown): string => {
  const text = String(value ?? "").replace(/\s+/g, " ");
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
};
