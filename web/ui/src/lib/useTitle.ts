import { useEffect } from "react";

/** The page's name in the tab. */
export function useTitle(name: string): void {
  useEffect(() => {
    document.title = name ? `${name} · Diorama` : "Diorama";
  }, [name]);
}
