import type { NumberRange } from "@/api/client";
import type { Reference } from "./draft";
import { FilesIn } from "./FilesIn";

interface Props {
  range: NumberRange;
  sounds: readonly Reference[];
  onChange: (sounds: Reference[]) => void;
}

/** Sounds that go in, each with its player. */
export default function SoundsIn({ range, sounds, onChange }: Props) {
  return (
    <FilesIn kind="audio" title="Sounds that go in" limit={range.maximum} least={range.minimum} files={sounds} onChange={onChange}
      show={(item) => <audio src={item.url} className="h-12 min-w-0 flex-1 [color-scheme:dark]" controls preload="metadata" aria-label={item.name} />} />
  );
}
