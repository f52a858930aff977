import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useEffect } from "react";
import { queries } from "@/api/queries";
import { cancelJob } from "@/jobs/hooks";
import { somethingOpen } from "@/layout/shortcuts";
import { say, speak } from "@/ui/toasts";
import { ParameterControl } from "./Control";
import { Pair } from "./Pair";
import { blamed, controlOf, formOf, hindrance, lacking, type Medium, type Parameter, paired, type Workflow } from "./form";
import { MaskOf } from "./Media";
import type { FormState } from "./useForm";
import { complaint, type Run } from "./useRun";

interface Props {
  workflow: Workflow;
  form: FormState;
  run: Run;
  onArrange: () => void;
}

/** The form: what matters first, the rest behind one line, and the button that runs it. */
export function Bench({ workflow, form, run, onArrange }: Props) {
  const { values, wrong, complain } = form;
  const parts = formOf(workflow.parameters);
  const hindered = hindrance(workflow, values);
  const faulty = useFault(workflow, form, run);
  const go = async () => {
    if (run.sending || hindered) return;
    const lack = lacking(workflow.parameters, values);
    if (lack) {
      complain(lack);
      focusOn(lack.name);
      return;
    }
    complain(null);
    try {
      await run.start();
      form.settle();
      speak("Sent.", true);
    } catch (error) {
      const { field, text } = complaint(error);
      const name = blamed(field, workflow.parameters) ?? "";
      complain({ name, text });
      focusOn(name);
    }
  };
  useEscape(run.active[run.active.length - 1]?.job_id);
  const pressed = (event: KeyboardEvent) => {
    const enter = event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing;
    if (!enter || !(event.target instanceof HTMLTextAreaElement)) return;
    event.preventDefault();
    void go();
  };
  const errorOf = (name: string) => (wrong?.name === name ? wrong.text : faulty?.name === name ? faulty.text : "");
  const control = (parameter: Parameter) => (
    <ParameterControl key={parameter.name} parameter={parameter} value={values[parameter.name]} error={errorOf(parameter.name)} onChange={(value) => form.set(parameter.name, value)} first={parameter === parts.main[0]} picture={firstPicture(workflow, values)} />
  );
  const inside = parts.advanced.some(([, items]) => items.some((item) => errorOf(item.name)));
  const changed = Object.values(values).some((value) => value !== undefined);
  return (
    <form className="bench" aria-label={`Values of ${workflow.title}`} onKeyDown={pressed} onSubmit={(event) => { event.preventDefault(); void go(); }}>
      <div className="bench-scroll">
        {paired(parts.main).map((item) => (Array.isArray(item) ? <Pair key="size" pair={item} values={values} error={errorOf("width") || errorOf("height")} onChange={form.set} /> : control(item)))}
        <MaskInPicture workflow={workflow} form={form} />
        {parts.count > 0 && (
          <details className="border-t border-line pt-2" open={inside || undefined}>
            <summary className="label">Advanced ({parts.count})</summary>
            <div className="grid gap-6 pt-3">
              {parts.advanced.map(([section, items]) => (
                <fieldset key={section} className="grid gap-4">{parts.advanced.length > 1 && <legend className="title mb-2 !text-[1.08rem]">{section}</legend>}{items.map(control)}</fieldset>
              ))}
            </div>
          </details>
        )}
        {!parts.main.length && !parts.count && <p className="hint">This workflow has no values to set.</p>}
        <div className="toolbar border-t border-line pt-3">
          <button type="button" className="button" onClick={onArrange}>Arrange the form</button>
          {changed && <button type="button" className="button bare" onClick={form.reset}>As the workflow has it</button>}
        </div>
      </div>
      <div className="bench-foot">
        {errorOf("") && <p className="wrong" role="alert">{errorOf("")}</p>}
        <div className="flex gap-2">
          <button type="submit" className="button main flex-1" disabled={run.sending || hindered !== ""}>{run.sending ? "Sending" : run.active.length ? "Run it once more" : "Run it"}</button>
          {run.active.length > 0 && <button type="button" className="button !min-h-11" onClick={() => run.active.forEach((live) => void cancelJob(live.job_id))}>{run.active.length > 1 ? `Cancel ${run.active.length}` : "Cancel"}</button>}
        </div>
        {hindered ? <p className="note">{hindered}</p> : <p className="param text-[0.84rem] text-dim">{workflow.server ? `on ${workflow.server}` : "on the first ComfyUI that is free"}</p>}
      </div>
    </form>
  );
}

/** The picture whose parts a mask chooses. */
function firstPicture(workflow: Workflow, values: FormState["values"]): Medium | undefined {
  const parameter = workflow.parameters.find((item) => item.role === "image" && controlOf(item) === "media" && values[item.name]);
  return parameter && (values[parameter.name] as Medium);
}

/** Where a picture's transparency is the mask, it is painted here; the server puts the two together. */
function MaskInPicture({ workflow, form }: { workflow: Workflow; form: FormState }) {
  const model = useQuery(queries.model(workflow.model)).data;
  const own = workflow.parameters.some((item) => item.role === "mask" && controlOf(item) === "media" && !item.hidden);
  const picture = firstPicture(workflow, form.values);
  if (own || !picture || model?.id !== workflow.model || !model.operations.edit?.mask) return null;
  return <MaskOf picture={picture} value={form.values.mask as Medium | undefined} onChange={(mask) => form.set("mask", mask)} />;
}

/** An error of the job that is shown, at the parameter that it is about. */
function useFault(workflow: Workflow, form: FormState, run: Run): { name: string; text: string } | null {
  const error = run.live?.error ?? run.job?.error;
  if (run.status !== "failed" || !error || form.wrong) return null;
  const name = blamed(error.field, workflow.parameters);
  return name && !form.touched.has(name) ? { name, text: [error.message, error.fix].filter(Boolean).join(" ") } : null; // the strip says the others
}

function focusOn(name: string): void {
  const field = name && document.querySelector<HTMLElement>(`[data-parameter="${CSS.escape(name)}"] :is(input, textarea, select)`);
  if (!field) return;
  field.closest("details")?.setAttribute("open", "");
  field.focus();
}

function useEscape(jobId: string | undefined): void {
  useEffect(() => {
    const pressed = (event: globalThis.KeyboardEvent): void => {
      if (event.key !== "Escape" || event.defaultPrevented || !jobId || somethingOpen()) return;
      void cancelJob(jobId);
      say("Cancelling; it stops after the step it is at.");
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [jobId]);
}
