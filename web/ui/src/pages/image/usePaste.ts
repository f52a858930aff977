import { useEffect } from "react";

/** Takes files that are pasted anywhere on the page. With `wanted` it comes first, and takes them only where all are wanted. */
export function usePaste(on: boolean, add: (files: File[]) => Promise<void>, wanted?: (file: File) => boolean): void {
  useEffect(() => {
    if (!on) return;
    const pasted = (event: ClipboardEvent): void => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!files.length || event.defaultPrevented || (wanted && !files.every(wanted))) return;
      event.preventDefault();
      void add(files);
    };
    const capture = wanted !== undefined;
    window.addEventListener("paste", pasted, { capture });
    return () => window.removeEventListener("paste", pasted, { capture });
  });
}
