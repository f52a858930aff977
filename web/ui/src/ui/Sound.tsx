import { type SyntheticEvent, useState } from "react";

interface Props {
  src: string;
  waveform: string;
  label: string;
}

/** A sound: its waveform with a line where it is, and the browser's own player. It never begins by itself, and one plays at a time. */
export function Sound({ src, waveform, label }: Props) {
  const [at, setAt] = useState(0);
  const moved = ({ currentTarget: { currentTime, duration } }: SyntheticEvent<HTMLAudioElement>) => setAt(duration > 0 ? currentTime / duration : 0);
  return (
    <div className="sound">
      <div className="relative">
        <img src={waveform} alt="" width={320} height={160} />
        {at > 0 && <span className="absolute inset-y-0 w-0.5 bg-[#f0513b]" style={{ left: `${(12 + at * 296) / 3.2}%` }} aria-hidden="true" />}
      </div>
      <audio src={src} controls preload="metadata" aria-label={label} onTimeUpdate={moved} onPlay={hush} />
    </div>
  );
}

function hush({ currentTarget }: SyntheticEvent<HTMLAudioElement>): void {
  for (const other of document.querySelectorAll("audio")) if (other !== currentTarget) other.pause();
}
