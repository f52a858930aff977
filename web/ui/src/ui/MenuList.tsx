import { Menu as Base } from "@base-ui/react/menu";
import { type ReactElement, useEffect, useRef } from "react";
import type { Choice } from "./Menu";

/** The menu of a button, open from the start: it is loaded when the button is first used. */
export default function MenuList({ trigger, choices, byKeys }: { trigger: ReactElement; choices: readonly (Choice | null)[]; byKeys: boolean }) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!byKeys) return;
    const frame = requestAnimationFrame(() => list.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus());
    return () => cancelAnimationFrame(frame);
  }, [byKeys]);
  return (
    <Base.Root modal={false} defaultOpen>
      <Base.Trigger render={trigger} />
      <Base.Portal container={document.getElementById("main")}>
        <Base.Positioner sideOffset={4} align="end" collisionPadding={8}>
          <Base.Popup ref={list} className="pop min-w-44 py-1">
            {choices.map((choice, index) =>
              choice === null ? (
                <Base.Separator key={`line-${index}`} className="my-1 border-t border-line" />
              ) : (
                <Base.Item key={choice.label} className="menu-item" disabled={choice.disabled ?? false} onClick={choice.run}
                  render={choice.href ? <a href={choice.href} download={choice.download ? "" : undefined}>{choice.label}</a> : <div />}>
                  <span className="flex-1">{choice.label}</span>
                  {choice.hint && <span className="hint">{choice.hint}</span>}
                </Base.Item>
              ),
            )}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
