import { memo } from "react";
import type { Job } from "@/api/client";
import { useLive } from "@/jobs/hooks";
import { FINAL, STATUS_WORDS } from "@/lib/format";
import { madeBy } from "@/lib/made";
import { Grease } from "@/ui/icons";
import { altOf, Picture } from "@/ui/Picture";

/** One job on the contact sheet of a session: its first picture, or how far it is. */
export const ContactFrame = memo(function ContactFrame({ listed, on, onPick }: { listed: Job; on: boolean; onPick: () => void }) {
  const live = useLive(listed.job_id);
  const job = live?.job && FINAL.has(live.job.status) ? live.job : listed;
  const status = live?.status ?? job.status;
  const picture = madeBy(job)[0];
  return (
    <li className="frame on-film">
      <button type="button" className="text-left" aria-pressed={on} onClick={onPick}>
        <span className="sr">{STATUS_WORDS[status]}: {altOf(job.prompt, job.kind)}, frame </span>
        <span className="picture aspect-square">
          {picture ? (
            <Picture src={picture.thumbnail_url} alt="" width={picture.width} height={picture.height} placeholder={picture.placeholder} />
          ) : live?.preview ? (
            <img src={live.preview} alt="" />
          ) : (
            <span className="label absolute inset-0 grid place-items-center p-2 text-center text-film-ink" aria-hidden="true">{STATUS_WORDS[status]}</span>
          )}
          {on && <Grease shape="box" />}
        </span>
        {live && !FINAL.has(status) && <span className="exposure block"><span style={{ transform: `scaleX(${live.progress / 100})` }} /></span>}
        <span className="edge"><span className="number">{picture?.seed ?? "–"}</span>{" "}{job.images.length > 1 && <span>{job.images.length} frames</span>}{job.kind !== "generate" && job.images.length < 2 && <span>{job.kind}</span>}</span>
      </button>
    </li>
  );
});
