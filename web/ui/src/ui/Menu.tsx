import { cloneElement, lazy, type MouseEvent, type ReactElement, Suspense, useState } from "react";

export interface Choice {
  label: string;
  run?: () => void;
  href?: string;
  download?: boolean;
  disabled?: boolean;
  hint?: string;
}

const load = () => import("./MenuList");
const MenuList = lazy(load);

/** A button that opens a list of things to do. The list's machinery is fetched when somebody comes near the button. */
export function Menu({ trigger, choices }: { trigger: ReactElement<Record<string, unknown>>; choices: readonly (Choice | null)[] }) {
  const [used, setUsed] = useState<"keys" | "pointer" | null>(null);
  const closed = cloneElement(trigger, {
    "aria-haspopup": "menu", "aria-expanded": false, onPointerEnter: load, onFocus: load,
    onClick: (event: MouseEvent) => setUsed(event.detail === 0 ? "keys" : "pointer"),
  });
  if (!used) return closed;
  return <Suspense fallback={closed}><MenuList trigger={trigger} choices={choices} byKeys={used === "keys"} /></Suspense>;
}
