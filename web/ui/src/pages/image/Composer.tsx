import { type KeyboardEvent, lazy, Suspense, useEffect, useRef, useState } from "react";
import { sentenceOf } from "@/api/client";
import { somethingOpen, typing } from "@/layout/shortcuts";
import { cancelJob, useActive } from "@/jobs/hooks";
import { rememberPrompt, usePrompts } from "@/lib/prompts";
import { say, speak } from "@/ui/toasts";
import { useWide } from "@/lib/useWide";
import type { Bench } from "./bench";
import { leftOut, missing, type Medium, operationOf, referenceLimit, toRequest } from "./draft";
import { Estimate } from "./Estimate";
import { PROMPTS } from "./prompts";
import { Knobs } from "./Knobs";
import { ModelButton } from "./ModelButton";
import { References } from "./References";
import { submitJob } from "./submit";
import type { Chosen } from "./useChosenModel";

const SoundsIn = lazy(() => import("./SoundsIn"));
const VideoIn = lazy(() => import("./VideoIn"));

/** Everything one says before a picture is made. Which controls there are follows from the model. */
export function Composer({ medium, bench, chosen }: { medium: Medium; bench: Bench; chosen: Chosen }) {
  const { draft, change, sessionId } = bench;
  const model = chosen.model;
  const operation = model ? operationOf(model, draft, medium) : null;
  const caps = (model && operation && model.operations[operation]) || undefined;
  const [sending, setSending] = useState(false);
  const [waiting, setWaiting] = useState(false);
  const [wrong, setWrong] = useState("");
  const [knobs, setKnobs] = useState(false);
  const running = useActive().filter((live) => live.job?.session_id === sessionId);
  const wide = useWide();
  const knobCaps = caps && operation === "video" ? { ...caps, strength: null } : caps; // it stands beside the video that goes in
  const out = caps ? leftOut(draft, caps) : null;
  const lack = model && caps ? missing(draft, model, caps) : "";

  const go = async () => {
    if (sending) return;
    if (!model || !operation || !caps || !sessionId) {
      setWaiting(true); // Enter was quicker than the model's capabilities
      return;
    }
    if (lack) {
      setWrong(lack);
      document.getElementById("prompt")?.focus();
      return;
    }
    setSending(true);
    setWrong("");
    try {
      rememberPrompt(draft.prompt);
      await submitJob(toRequest(draft, model, operation, caps), sessionId);
      speak("Sent.", true);
      if (!wide) showResults();
    } catch (error) {
      setWrong(sentenceOf(error));
    } finally {
      setSending(false);
    }
  };
  const ready = Boolean(model && caps && sessionId);
  useEffect(() => {
    if (!waiting || !ready) return;
    setWaiting(false);
    void go();
  });
  useEscape(running[running.length - 1]?.job_id);

  const noun = medium === "video" ? "video" : operation === "edit" ? "edit" : "picture";
  const count = draft.count ?? caps?.images_out.default ?? 1;
  return (
    <form className="bench" aria-label="What to make" onSubmit={(event) => { event.preventDefault(); void go(); }}>
      <div className="bench-scroll">
        <Prompt value={draft.prompt} max={caps?.max_prompt_chars ?? 2000} required={caps?.prompt !== "none"} onChange={(prompt) => { change({ prompt }); setWrong(""); }} onGo={go} examples={PROMPTS[medium]} placeholder={operation === "edit" ? "what it should become" : medium === "image" ? "a red ball under a yellow sun" : "waves roll onto a beach"} />
        <ModelButton medium={medium} chosen={chosen} onChoose={(id) => change({ model: id })} />
        {model && referenceLimit(model, medium) > 0 && (
          <References limit={referenceLimit(model, medium)} needed={caps?.images_in?.minimum ?? 0} mask={Boolean(caps?.mask)} draft={draft} change={change} medium={medium} />
        )}
        {caps?.videos_in && medium === "video" && <Suspense><VideoIn caps={caps} draft={draft} change={change} /></Suspense>}
        {caps?.sounds_in && <Suspense><SoundsIn range={caps.sounds_in} sounds={draft.sounds ?? []} onChange={(sounds) => { change({ sounds }); setWrong(""); }} /></Suspense>}
        {model && knobCaps && (wide ? <Knobs model={model} caps={knobCaps} draft={draft} change={change} /> : (
          <details className="border-y border-line py-2" onToggle={(event) => setKnobs(event.currentTarget.open)}>
            <summary className="label">Settings</summary>
            {knobs && <div className="grid gap-4 pt-3"><Knobs model={model} caps={knobCaps} draft={draft} change={change} /></div>}
          </details>
        ))}
        {!model && !chosen.error && <div className="min-h-[10.25rem]" aria-busy="true" />}
        {chosen.error ? <p className="wrong" role="alert">{sentenceOf(chosen.error)}</p> : null}
      </div>
      <div className="bench-foot">
        {wrong && <p className="wrong" role="alert">{wrong}</p>}
        {out && <p className="note">{out.words} <button type="button" className="text-link min-h-6" onClick={() => change(out.away)}>Take it away</button></p>}
        <div className="flex gap-2">
          <button type="submit" className="button main flex-1" disabled={sending || (lack !== "" && draft.prompt.trim() !== "")}>
            {sending || waiting ? "Sending" : count > 1 && medium === "image" ? `Make ${count} pictures` : `Make the ${noun}`}
          </button>
          {running.length > 0 && (
            <button type="button" className="button !min-h-11" onClick={() => running.forEach((live) => void cancelJob(live.job_id))}>
              {running.length > 1 ? `Cancel ${running.length}` : "Cancel"}
            </button>
          )}
        </div>
        {!caps && <p className="param text-[0.84rem]" aria-hidden="true">&nbsp;</p>}
        {model && caps && (lack && draft.prompt.trim() ? <p className="note">{lack}</p> : operation && <Estimate model={model} operation={operation} caps={caps} draft={draft} />)}
      </div>
    </form>
  );
}

/** Where the results lie below the bench, they come into view. */
function showResults(): void {
  document.getElementById("results")?.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth" });
}

/** Escape cancels the newest job of this session. */
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

interface PromptProps {
  value: string;
  max: number;
  required: boolean;
  placeholder: string;
  examples: readonly string[];
  onChange: (text: string) => void;
  onGo: () => Promise<void>;
}

function Prompt({ value, max, required, placeholder, examples, onChange, onGo }: PromptProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const history = usePrompts();
  const recall = useHistory(history, value, onChange);
  useEffect(() => {
    const pressed = (event: globalThis.KeyboardEvent): void => {
      const step = { "[": 1, "]": -1 }[event.key];
      if (!step || typing(event) || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      recall(step);
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [recall]);
  const pressed = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      void onGo();
    } else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      recall(event.key === "ArrowUp" ? 1 : -1);
    }
  };
  return (
    <div>
      <div className="mb-1 flex items-baseline justify-between">
        <label className="label" htmlFor="prompt">Prompt</label>
        {value.length > max * 0.8 && <span className="param">{value.length} of {max}</span>}
      </div>
      <textarea id="prompt" ref={field} data-slash className="field min-h-28 resize-y px-3 py-2 text-[1.08rem] leading-snug [field-sizing:content] max-h-96" value={value} maxLength={max} rows={4} autoFocus={matchMedia("(min-width: 64rem)").matches}
        placeholder={placeholder} required={required} aria-describedby="prompt-keys" onChange={(event) => onChange(event.target.value)} onKeyDown={pressed} />
      <p id="prompt-keys" className="hint flex justify-between gap-2">
        <span className="max-sm:hidden">Enter makes it, Shift Enter a new line</span>
        <button type="button" className="text-link min-h-6 sm:hidden" onClick={() => onChange(next(examples, value))}>An example</button>
        {history.length > 0 && (
          <span className="whitespace-nowrap">
            <button type="button" className="text-link px-1" onClick={() => recall(1)} aria-label="Older prompt">older</button>
            <button type="button" className="text-link px-1" onClick={() => recall(-1)} aria-label="Newer prompt">newer</button>
          </span>
        )}
      </p>
    </div>
  );
}

/** The example after the one that stands there. */
const next = (examples: readonly string[], value: string): string => examples[(examples.indexOf(value) + 1) % examples.length] ?? value;

/** Steps through the prompts used before; what was being written is the newest of them. */
function useHistory(history: readonly string[], value: string, onChange: (text: string) => void): (step: number) => void {
  const at = useRef({ index: -1, written: "" });
  return (step) => {
      const place = at.current;
    if (place.index >= 0 && history[place.index] !== value) place.index = -1;
    if (place.index === -1) place.written = value;
    let next = Math.min(history.length - 1, Math.max(-1, place.index + step));
    if (step > 0 && history[next] === value && next < history.length - 1) next += 1;
    place.index = next;
    onChange(next === -1 ? place.written : (history[next] ?? value));
  };
}
