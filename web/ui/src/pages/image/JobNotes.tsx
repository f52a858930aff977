import type { Job } from "@/api/client";
import { plain } from "@/lib/format";
import { together } from "@/lib/notes";

type Wrong = { message: string; fix?: string | null } | null;

/** What was adjusted, what had no effect, and what went wrong with its remedy. */
export function JobNotes({ job, error }: { job: Pick<Job, "adjusted" | "ignored">; error: Wrong }) {
  if (!error && !job.adjusted.length && !job.ignored.length) return null;
  return (
    <ul className="grid gap-1.5 py-1">
      {error && <li className="note" role="alert"><strong>{error.message}</strong> {error.fix}</li>}
      {job.adjusted.map((note) => (
        <li key={`a-${note.field}`} className="note"><span className="param">{note.field}</span>: {plain(note.before)} became {plain(note.after)}. {note.why}</li>
      ))}
      {together(job.ignored).map(({ field, why, values }) => (
        <li key={`i-${field}-${why}`} className="note"><span className="param">{field}</span>: {values.join(", ")} had no effect. {why}</li>
      ))}
    </ul>
  );
}
