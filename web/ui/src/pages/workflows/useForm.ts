import { useCallback, useState } from "react";
import { kept, keep } from "@/lib/kept";
import { controlOf, type Values, type Workflow } from "./form";

export interface FormState {
  values: Values;
  set: (name: string, value: unknown) => void;
  reset: () => void;
  /** Parameters that were changed since the last run was started: what it complained of may be mended. */
  touched: ReadonlySet<string>;
  /** Forgets which parameters were changed. */
  settle: () => void;
  /** What is wrong, by parameter; the empty name is the form as a whole. */
  wrong: { name: string; text: string } | null;
  complain: (wrong: { name: string; text: string } | null) => void;
}

const NONE: ReadonlySet<string> = new Set();

/** The values of a form. They are kept in this browser, but for pictures, which are too large for that. */
export function useForm(workflow: Workflow): FormState {
  const place = `workflow.${workflow.id}`;
  const names = workflow.parameters.map((item) => item.name).join(" ");
  const [values, setValues] = useState<Values>(() => known(kept<Values>(place, {}), workflow));
  const [wrong, complain] = useState<FormState["wrong"]>(null);
  const [touched, setTouched] = useState<ReadonlySet<string>>(NONE);
  const settle = useCallback(() => setTouched(NONE), []);
  const set = useCallback((name: string, value: unknown) => {
    complain((old) => (old && (old.name === name || old.name === "") ? null : old));
    setTouched((old) => new Set([...old, name]));
    setValues((old) => {
      const next = { ...old, [name]: value };
      keep(place, Object.fromEntries(Object.entries(next).filter(([, item]) => item !== undefined && typeof item !== "object")));
      return next;
    });
  }, [place]);
  const reset = useCallback(() => {
    keep(place, {});
    setValues({});
    setTouched(new Set(names.split(" ")));
    complain(null);
  }, [place, names]);
  return { values, set, reset, touched, settle, wrong, complain };
}

/** Kept values that this workflow still has a control for. */
function known(values: Values, workflow: Workflow): Values {
  const names = new Set(workflow.parameters.filter((item) => !item.hidden && controlOf(item) !== "media").map((item) => item.name));
  return Object.fromEntries(Object.entries(values && typeof values === "object" ? values : {}).filter(([name]) => names.has(name)));
}
