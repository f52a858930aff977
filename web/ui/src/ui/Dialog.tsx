import { type ReactNode, useEffect, useRef } from "react";
import { Icon } from "./icons";

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
  foot?: ReactNode;
}

/** A modal sheet over the page: the browser's own dialog, so focus stays inside, Escape closes it and focus returns. */
export function Dialog({ title, onClose, children, wide, foot }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
    dialog?.querySelector<HTMLElement>("[data-autofocus]")?.focus();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={ref} className={`sheet ${wide ? "wide" : ""}`} aria-label={title} onCancel={(event) => { event.preventDefault(); onClose(); }}
      onClick={(event) => event.target === ref.current && onClose()}>
      <header className="flex items-center justify-between border-b border-edge py-1 pr-1 pl-4">
        <h2 className="label">{title}</h2>
        <button type="button" className="button bare square" aria-label="Close" onClick={onClose}><Icon name="close" /></button>
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto">{children}</div>
      {foot && <footer className="flex flex-wrap justify-end gap-2 border-t border-line px-4 py-3">{foot}</footer>}
    </dialog>
  );
}
