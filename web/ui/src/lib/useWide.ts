import { useSyncExternalStore } from "react";

const query = matchMedia("(min-width: 64rem)");

function listen(listener: () => void): () => void {
  query.addEventListener("change", listener);
  return () => query.removeEventListener("change", listener);
}

/** Whether bench and results stand side by side. */
export function useWide(): boolean {
  return useSyncExternalStore(listen, () => query.matches);
}
