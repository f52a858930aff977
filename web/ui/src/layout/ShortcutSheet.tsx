import { Dialog } from "@/ui/Dialog";
import { SHORTCUTS } from "./shortcuts";

export function ShortcutList() {
  return (
    <dl className="facts">
      {SHORTCUTS.map(([keys, what]) => [
        <dt key={`${keys}-keys`} className="!normal-case">{keys.split(" ").map((key) => <kbd key={key} className="mr-1">{key}</kbd>)}</dt>,
        <dd key={keys} className="!font-text">{what}</dd>,
      ])}
    </dl>
  );
}

export default function ShortcutSheet({ onClose }: { onClose: () => void }) {
  return <Dialog title="Keys" onClose={onClose}><div className="p-4"><ShortcutList /></div></Dialog>;
}
