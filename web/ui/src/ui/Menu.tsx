import { Menu as Base } from "@base-ui/react/menu";
import type { ReactElement, ReactNode } from "react";

export interface Choice {
  label: string;
  run?: () => void;
  href?: string;
  download?: boolean;
  disabled?: boolean;
  hint?: string;
}

/** A button that opens a list of things to do. */
export function Menu({ trigger, choices, children }: { trigger: ReactElement; choices: readonly (Choice | null)[]; children?: ReactNode }) {
  return (
    <Base.Root modal={false}>
      <Base.Trigger render={trigger} />
      <Base.Portal container={document.getElementById("main")}>
        <Base.Positioner sideOffset={4} align="end" collisionPadding={8}>
          <Base.Popup className="pop min-w-44 py-1">
            {children}
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
