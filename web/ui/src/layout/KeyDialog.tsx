import { type FormEvent, useState } from "react";
import { api, sentenceOf, take } from "@/api/client";
import { client } from "@/api/queries";
import { Dialog } from "@/ui/Dialog";

/** Asks for the key of a server that needs one; it is exchanged for a cookie that pages cannot read. */
export function KeyDialog({ onDone }: { onDone: () => void }) {
  const [wrong, setWrong] = useState("");
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const key = String(new FormData(event.currentTarget).get("key") ?? "");
    try {
      await take(api.POST("/api/sign-in", { body: { key } }));
    } catch (error) {
      setWrong(sentenceOf(error));
      return;
    }
    onDone();
    await client.invalidateQueries();
    location.reload(); // the event stream starts anew with the cookie
  };
  return (
    <Dialog title="This server needs a key" onClose={onDone}>
      <form className="grid gap-3 p-4" onSubmit={submit}>
        <label className="grid gap-1"><span className="label">Key</span>
          <input className="field number" name="key" type="password" autoComplete="current-password" required data-autofocus />
        </label>
        {wrong && <p className="wrong" role="alert">{wrong}</p>}
        <button type="submit" className="button main">Sign in</button>
      </form>
    </Dialog>
  );
}
