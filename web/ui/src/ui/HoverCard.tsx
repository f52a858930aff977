import { type ReactNode, useId, useRef } from "react";

interface Props {
  /** What the button shows. */
  label: ReactNode;
  /** What it is called. */
  name: string;
  title: string;
  className?: string;
  children: ReactNode;
}

const DELAY = 200;

/** Details under the masthead that open on hover, on click and by keyboard: the browser's own popover. */
export function HoverCard({ label, name, title, className = "", children }: Props) {
  const id = useId();
  const card = useRef<HTMLDivElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const later = (action: () => void) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(action, DELAY);
  };
  const hover = (event: React.PointerEvent, open: boolean) => {
    if (event.pointerType === "mouse") later(() => (open ? card.current?.showPopover() : card.current?.hidePopover()));
  };
  return (
    <>
      <button type="button" className={`readout ${className}`} aria-label={name} popoverTarget={id} onPointerEnter={(event) => hover(event, true)} onPointerLeave={(event) => hover(event, false)} onClick={() => clearTimeout(timer.current)}>{label}</button>
      <div ref={card} id={id} popover="auto" role="group" className="pop hover-card" aria-label={title} onPointerEnter={(event) => hover(event, true)} onPointerLeave={(event) => hover(event, false)}>
        <h2 className="label mb-2">{title}</h2>
        {children}
      </div>
    </>
  );
}
