import { useState } from "react";
import { sentenceOf } from "@/api/client";
import { Dialog } from "./Dialog";

interface Props {
  title: string;
  /** What will be gone, and what stays. */
  text: string;
  /** What the button says. */
  action: string;
  onClose: () => void;
  run: () => Promise<unknown>;
}

/** Asks before something is gone for good. */
export function Confirm({ title, text, action, onClose, run }: Props) {
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  const go = async () => {
    setBusy(true);
    try {
      await run();
      onClose();
    } catch (error) {
      setWrong(sentenceOf(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose} foot={
      <>
        <button type="button" className="button" onClick={onClose} data-autofocus>Keep</button>
        <button type="button" className="button main" disabled={busy} onClick={() => void go()}>{action}</button>
      </>
    }>
      <div className="grid gap-3 p-4">
        <p>{text}</p>
        {wrong && <p className="wrong" role="alert">{wrong}</p>}
      </div>
    </Dialog>
  );
}
