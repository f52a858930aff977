// Settings on their way to a bench that may not be open yet.
import type { Draft } from "./draft";

let waiting: Partial<Draft> | null = null;
const listeners = new Set<() => void>();

export function handOver(changes: Partial<Draft>): void {
  waiting = changes;
  for (const listener of listeners) listener();
}

/** What was handed over, once. */
export function handedOver(): Partial<Draft> | null {
  const taken = waiting;
  waiting = null;
  return taken;
}

export function onHandover(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
