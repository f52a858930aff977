import { useQuery } from "@tanstack/react-query";
import { api, type Preferences, sentenceOf, take } from "@/api/client";
import { client, queries } from "@/api/queries";
import { say } from "@/ui/toasts";
import { OPERATIONS } from "../models/words";

const complain = (error: unknown) => say(sentenceOf(error), "wrong");

async function save(changes: Record<string, unknown>): Promise<void> {
  client.setQueryData(queries.preferences.queryKey, (await take(api.POST("/api/settings", { body: changes as never }))) as Preferences);
}

/** What a new bench starts with. */
export function Defaults() {
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
    <div className="grid gap-x-6 gap-y-4 sm:grid-cols-2">
      {Object.entries(OPERATIONS).map(([operation, name]) => {
        const fitting = models.filter((model) => model.mode !== "sound" && model.operations.includes(operation as keyof typeof OPERATIONS));
        return fitting.length > 0 && (
          <label key={operation} className="grid gap-1"><span className="label">{name}</span>
            <select className="field" value={data.default_models[operation] ?? ""} onChange={(event) => choose(operation, event.target.value)}>
              <option value="">The server's choice</option>
              {fitting.map((model) => <option key={model.id} value={model.id}>{model.title} ({model.backend})</option>)}
            </select>
          </label>
        );
      })}
      <label className="grid gap-1"><span className="label">File format of pictures</span>
        <select className="field" value={data.output_format ?? ""} onChange={(event) => save({ output_format: event.target.value || null }).catch(complain)}>
          <option value="">As configured</option><option value="png">PNG</option><option value="jpeg">JPEG</option><option value="webp">WebP</option>
        </select>
      </label>
    </div>
  );
}

/** How much is remembered: prompts and requests. */
export function History() {
  const { data } = useQuery(queries.preferences);
  if (!data) return null;
  return (
    <div className="grid gap-3">
      <div className="flex flex-wrap gap-x-6 gap-y-3">
        <Whole name="Prompts at hand" most={1000} value={data.prompt_history} unit="prompts" onDone={(prompt_history) => save({ prompt_history }).catch(complain)} />
        <Whole name="Requests in the log" most={10_000_000} value={data.log_limit} unit="at most" none="all" onDone={(log_limit) => save({ log_limit }).catch(complain)} />
        <Whole name="Requests are kept" most={36_500} value={data.log_days} unit="days" none="for good" onDone={(log_days) => save({ log_days }).catch(complain)} />
      </div>
      <p className="hint">A finished request beyond these limits leaves the log, the queue's history and the sheet of its session. Its pictures stay in the library, its sum in the costs.</p>
    </div>
  );
}

interface WholeProps {
  name: string;
  most: number;
  value: number;
  unit: string;
  /** What an empty field means, where 0 is no limit. */
  none?: string;
  onDone: (value: number) => void;
}

function Whole({ name, most, value, unit, none, onDone }: WholeProps) {
  return (
    <label className="grid gap-1"><span className="label">{name}</span>
      <span className="flex items-center gap-2">
        <input type="number" className="field number !w-28 text-right" min={0} max={most} step={1} key={value} defaultValue={none && value === 0 ? "" : value} placeholder={none ?? ""}
          onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
          onBlur={(event) => event.target.validity.valid && Number(event.target.value) !== value && onDone(Number(event.target.value))} />
        <span className="param text-dim">{unit}</span>
      </span>
    </label>
  );
}
