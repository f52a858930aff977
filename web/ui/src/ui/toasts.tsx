// Short messages at the foot of the page, and the region that speaks to screen readers.
import { useSyncExternalStore } from "react";

interface Toast {
  id: number;
  text: string;
  kind: "plain" | "wrong";
  action?: { label: string; run: () => void };
}

let toasts: readonly Toast[] = [];
let count = 0;
const listeners = new Set<() => void>();
const STAY = { plain: 6000, wrong: 12_000 };

function change(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

/** Shows a message for some seconds; errors stay longer. */
export function say(text: string, kind: Toast["kind"] = "plain", action?: Toast["action"]): void {
  const id = ++count;
  change([...toasts.filter((toast) => toast.text !== text), { id, text, kind, ...(action ? { action } : {}) }].slice(-3));
  setTimeout(() => dismiss(id), STAY[kind]);
}

function dismiss(id: number): void {
  change(toasts.filter((toast) => toast.id !== id));
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div className="fixed right-3 bottom-16 z-50 grid w-[min(26rem,calc(100vw-1.5rem))] gap-2 md:bottom-4" role="status" aria-live="polite">
      {shown.map((toast) => (
        <div key={toast.id} className="flex items-start gap-3 border border-edge bg-raised px-3 py-2 text-sm">
          <p className={`flex-1 py-1 ${toast.kind === "wrong" ? "wrong" : ""}`}>{toast.text}</p>
          {toast.action && (
            <button type="button" className="button" onClick={() => { toast.action?.run(); dismiss(toast.id); }}>{toast.action.label}</button>
          )}
          <button type="button" className="button bare square" aria-label="Close this message" onClick={() => dismiss(toast.id)}>×</button>
        </div>
      ))}
    </div>
  );
}

const EVERY = 5000;
let lastSpoken = 0;

/** Speaks to screen readers, at most every five seconds unless it is `urgent`. */
export function speak(text: string, urgent = false): void {
  const region = document.getElementById("voice");
  if (!region || (!urgent && Date.now() - lastSpoken < EVERY)) return;
  lastSpoken = Date.now();
  region.textContent = text;
}
