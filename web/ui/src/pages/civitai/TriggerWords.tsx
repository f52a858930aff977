import { copyText } from "@/lib/files";
import { say } from "@/ui/toasts";

/** Words that call a model up; each one, or all of them, into the clipboard. */
export function TriggerWords({ words }: { words: readonly string[] }) {
  if (!words.length) return null;
  const copy = async (text: string) => say((await copyText(text)) ? `Copied: ${text.length > 60 ? `${text.slice(0, 59)}…` : text}` : "The browser does not allow copying.");
  return (
    <section aria-label="Trigger words">
      <h2 className="label mb-1 flex justify-between gap-3">Trigger words{words.length > 1 && <button type="button" className="text-link min-h-6 normal-case" onClick={() => void copy(words.join(", "))}>copy all</button>}</h2>
      <ul className="flex flex-wrap gap-1.5 border-t border-line pt-2">
        {words.map((word) => <li key={word}><button type="button" className="param min-h-7 border border-line px-2 text-left hover:border-ink" aria-label={`Copy ${word}`} onClick={() => void copy(word)}>{word}</button></li>)}
      </ul>
    </section>
  );
}
