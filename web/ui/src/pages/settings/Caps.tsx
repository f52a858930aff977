import { type FormEvent, useState } from "react";
import { api, sentenceOf, take } from "@/api/client";
import { client } from "@/api/queries";
import { say } from "@/ui/toasts";

type Amounts = Record<string, number>;
interface Props {
  caps: { per_job: Amounts; per_day: Amounts; per_session: Amounts };
  /** Of what was spent so far. */
  currencies: readonly string[];
}

const CAPS = [["per_job", "One job"], ["per_day", "One day"], ["per_session", "One session"]] as const;

/** The most that may be spent; a job that would pass one is refused before it is sent. */
export function Caps({ caps, currencies }: Props) {
  const [busy, setBusy] = useState(false);
  const shown = [...new Set(["USD", ...CAPS.flatMap(([name]) => Object.keys(caps[name])), ...currencies])];
  const save = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const body: Partial<Props["caps"]> = {};
    for (const [name] of CAPS) {
      const wanted = Object.fromEntries(shown.flatMap((currency) => (form.get(`${name} ${currency}`) ? [[currency, Number(form.get(`${name} ${currency}`))]] : [])));
      if (JSON.stringify(wanted) !== JSON.stringify(pick(caps[name], shown))) body[name] = wanted;
    }
    if (!Object.keys(body).length) return;
    setBusy(true);
    try {
      await take(api.PUT("/api/settings/spending", { body }));
      await Promise.all(["costs", "estimate"].map((key) => client.invalidateQueries({ queryKey: [key] })));
      say("The caps hold from the next job on.");
    } catch (error) {
      say(sentenceOf(error), "wrong");
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="grid gap-2" onSubmit={(event) => void save(event)} key={JSON.stringify(caps)}>
      <div className="flex flex-wrap items-end gap-3">
        {CAPS.map(([name, words]) => (
          <fieldset key={name} className="grid gap-1">
            <legend className="label mb-1">{words} at most</legend>
            {shown.map((currency) => (
              <label key={currency} className="flex items-center gap-2">
                <input className="field number !w-28 text-right" name={`${name} ${currency}`} type="number" min="0" step="any" inputMode="decimal" placeholder="no limit" defaultValue={caps[name][currency] ?? ""} aria-label={`${words} at most, ${currency}`} />
                <span className="param text-dim">{currency}</span>
              </label>
            ))}
          </fieldset>
        ))}
        <button type="submit" className="button" disabled={busy}>Keep</button>
      </div>
      <p className="hint">What would pass a cap is refused before it is sent. With any cap, so is a job whose price is not known.</p>
    </form>
  );
}

const pick = (amounts: Amounts, order: readonly string[]): Amounts => Object.fromEntries(order.flatMap((currency) => (amounts[currency] === undefined ? [] : [[currency, amounts[currency]]])));
