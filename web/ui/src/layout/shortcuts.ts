import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";

export type Overlay = "palette" | "sheet" | null;

export const SHORTCUTS: readonly (readonly [string, string])[] = [
  ["Enter", "Make the picture"],
  ["Shift Enter", "A new line in the prompt"],
  ["Esc", "Cancel the running job; close what is open"],
  ["/", "To the prompt, or to the search"],
  ["[ ]", "Older and newer prompts"],
  ["i", "Image bench"],
  ["v", "Video bench"],
  ["g", "Library"],
  ["q", "Queue"],
  ["m", "Models"],
  ["Arrow keys", "From frame to frame in the library; to the picture before and after in the viewer"],
  ["Space", "Select the frame in the library"],
  ["f", "Mark as favourite"],
  ["?", "This sheet"],
  ["Ctrl K", "Command palette"],
];

const PLACES: Record<string, "/image" | "/video" | "/assets" | "/queue" | "/models"> = { i: "/image", v: "/video", g: "/assets", q: "/queue", m: "/models" };

/** Whether a key press belongs to a field and not to the page. */
export function typing(event: KeyboardEvent): boolean {
  const target = event.target;
  return target instanceof HTMLElement && (target.isContentEditable || (target.matches("input, textarea, select") && !target.matches("[type=checkbox], [type=radio], [type=range]")));
}

/** Whether a sheet, a menu or a card lies over the page and takes Escape for itself. */
export function somethingOpen(): boolean {
  return document.querySelector("dialog[open], :popover-open, .pop[data-open]") !== null;
}

/** Keys that work everywhere. */
export function useShortcuts(open: (overlay: Overlay) => void): void {
  const navigate = useNavigate();
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        open("palette");
        return;
      }
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event) || document.querySelector("dialog[open]")) return;
      const place = PLACES[event.key];
      if (event.key === "?") open("sheet");
      else if (event.key === "/") {
        const field = document.querySelector<HTMLElement>("[data-slash]");
        if (!field) return;
        event.preventDefault();
        field.focus();
      } else if (place) void navigate({ to: place });
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [navigate, open]);
}
