import { useId } from "react";
import type { Provider } from "@/api/client";

interface Props {
  provider: string;
  secret: Provider["secrets"][number];
  onForget: () => void;
}

/** One key: it can be set and forgotten, never read. */
export function Secret({ provider, secret, onForget }: Props) {
  const id = useId();
  const fixed = secret.source === "environment";
  const state = secret.set ? `set${secret.ending ? `, ends in ${secret.ending}` : ""}` : "not set";
  const hint = fixed ? `Comes from ${secret.variables.join(" or ")}; changed there.` : secret.variables.length ? `${secret.variables.join(" or ")} comes first, where it is exported.` : "";
  return (
    <div className="grid content-start gap-1">
      <label className="label" htmlFor={id}>{secret.name.replaceAll("_", " ")}<span className="sr"> of {provider}</span></label>
      <div className="flex gap-2">
        <input id={id} name={secret.name} className="field number flex-1" type="password" autoComplete="off" disabled={fixed} placeholder={state} />
        {secret.set && !fixed && <button type="button" className="button bare" onClick={onForget}>Forget</button>}
      </div>
      {hint && <p className="hint">{hint}</p>}
    </div>
  );
}
