import { Link } from "@tanstack/react-router";
import type { Job } from "@/api/client";
import { seconds } from "@/lib/format";
import { soundWords } from "@/lib/made";
import { FavouriteButton } from "@/pages/assets/FavouriteButton";
import { altOf } from "./Picture";
import { Sound } from "./Sound";

/** The sounds that a job made, each with its player. */
export function Sounds({ job }: { job: Pick<Job, "sounds" | "prompt"> }) {
  return job.sounds.map((sound) => (
    <figure key={sound.id} className="frame mx-2 mb-1.5">
      <Sound src={sound.url} waveform={sound.thumbnail_url} label={altOf(job.prompt, "sound")} />
      <figcaption className="edge on-film flex-wrap !px-0.5">
        <span className="number">{[sound.seed === null ? "" : `▸ ${sound.seed}`, sound.duration === null ? "" : seconds(sound.duration), soundWords(sound)].filter(Boolean).join(" · ")}</span>
        <span className="flex flex-wrap items-center gap-1">
          <FavouriteButton id={sound.id} />
          <a className="button" href={`${sound.url}?download=true`} download="">Download</a>
          <Link to="/asset/$id" params={{ id: sound.id }} className="button">In the library</Link>
        </span>
      </figcaption>
    </figure>
  ));
}
