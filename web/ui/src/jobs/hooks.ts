import { useCallback, useSyncExternalStore } from "react";
import { api, take } from "@/api/client";
import { say } from "@/ui/toasts";
import { sentenceOf } from "@/api/client";
import { linkState, onLink } from "./follow";
import { type Live, jobStore } from "./store";

/** One job as it moves. */
export function useLive(id: string): Live | undefined {
  const subscribe = useCallback((listener: () => void) => jobStore.subscribeTo(id, listener), [id]);
  return useSyncExternalStore(subscribe, () => jobStore.get(id));
}

/** All unfinished jobs, oldest first; changes when one comes, goes or reaches another stage. */
export function useActive(): readonly Live[] {
  return useSyncExternalStore(jobStore.subscribe, jobStore.active);
}

/** Whether events arrive. */
export function useLink() {
  return useSyncExternalStore(onLink, linkState);
}

/** Asks the server to cancel a job; what is shown stays honest until it has ended. */
export async function cancelJob(id: string): Promise<void> {
  jobStore.stopping(id);
  try {
    await take(api.DELETE("/api/jobs/{job_id}", { params: { path: { job_id: id } } }));
  } catch (error) {
    say(sentenceOf(error), "wrong");
  }
}
