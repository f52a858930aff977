import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { api, type AssetDetail, sentenceOf, take } from "@/api/client";
import { client, queries } from "@/api/queries";
import type { DeskSearch } from "@/lib/search";
import { useTitle } from "@/lib/useTitle";
import { say } from "@/ui/toasts";
import { type Bench, useBench } from "./bench";
import { chooseRemaker } from "./choose";
import { Composer } from "./Composer";
import type { Draft, Medium } from "./draft";
import { handedOver, onHandover } from "./handover";
import { NotReady } from "./NotReady";
import { assetReference, fromRecipe, hasLostInput } from "./recipe";
import { Results } from "./Results";
import { SessionBar } from "./SessionBar";
import { useChosenModel } from "./useChosenModel";

/** A bench for pictures or for videos: what is wanted on the left, what came of it on the right. */
export function Desk({ medium, search }: { medium: Medium; search: DeskSearch }) {
  const bench = useBench(medium, search.session);
  useTitle(bench.session?.title || (medium === "image" ? "Image" : "Video"));
  useHandover(medium, search, bench);
  useHandedOver(bench.sessionId, bench.change);
  const chosen = useChosenModel(medium, bench.draft.model);
  const { data: models } = useQuery(queries.models());
  const none = models && !chosen.id;
  return (
    <div className="desk">
      <h1 className="sr">{medium === "image" ? "Image bench" : "Video bench"}</h1>
      <Composer medium={medium} bench={bench} chosen={chosen} />
      <section id="results" className="page scroll-mt-14" aria-label="Results">
        <SessionBar medium={medium} bench={bench} />
        {none ? <NoModel medium={medium} /> : <><NotReady medium={medium} /><Results medium={medium} bench={bench} /></>}
      </section>
    </div>
  );
}

function NoModel({ medium }: { medium: Medium }) {
  return (
    <p className="note mt-4">
      No backend here offers a model that makes {medium === "video" ? "videos" : "pictures"}. The command <code className="param">diorama doctor</code> says what is missing.
    </p>
  );
}

/** Takes over what the address hands to the bench (a recipe, a picture, a prompt), then cleans the address. */
function useHandover(medium: Medium, search: DeskSearch, { sessionId: ready, draft, change }: Bench): void {
  const navigate = useNavigate();
  const latest = useRef(draft);
  latest.current = draft;
  const { from, take: part, model, prompt } = search;
  useEffect(() => {
    if (!ready || !(from || model || prompt)) return;
    void navigate({ to: medium === "image" ? "/image" : "/video", search: { session: search.session }, replace: true });
    if (model) change({ model });
    if (prompt) change({ prompt });
    if (!from) return;
    client
      .ensureQueryData(queries.asset(from))
      .then(async (asset) => {
        const picture = assetReference(asset);
        const { references, model: inUse } = latest.current;
        if (part === "reference" || part === "start") change({ references: part === "start" ? [picture] : [...references, picture].slice(-5), mask: undefined });
        else if (part === "source") change(await asSource(asset, inUse));
        else if (part === "seed") change({ seed: asset.seed ?? undefined });
        else if (part === "prompt") change({ prompt: asset.prompt });
        else if (part === "vary") change({ ...fromRecipe(asset), references: [picture], seed: undefined });
        else {
          change(fromRecipe(asset));
          if (hasLostInput(asset)) say("What went in came from a file that the library does not have: put it in again.");
        }
      })
      .catch((error: unknown) => say(sentenceOf(error), "wrong"));
  }, [ready, from, part, model, prompt, medium, navigate, change, search.session]);
}

/** A video as the one that goes in, with a model that takes it. */
async function asSource(asset: AssetDetail, inUse: string): Promise<Partial<Draft>> {
  const [list, preferences] = await Promise.all([client.ensureQueryData(queries.models()), client.ensureQueryData(queries.preferences)]);
  const model = chooseRemaker(list, preferences, inUse);
  return { video: { ...assetReference(asset), name: asset.prompt.slice(0, 60) || "video" }, ...(model ? { model } : {}) };
}

/** Takes over settings that were read from a file. */
function useHandedOver(ready: string, change: (changes: Partial<Draft>) => void): void {
  useEffect(() => {
    if (!ready) return;
    const accept = () => {
      const changes = handedOver();
      if (changes) change(changes);
    };
    accept();
    return onHandover(accept);
  }, [ready, change]);
}

/** Names a session that has no title yet. */
export async function renameSession(medium: Medium, id: string, title: string): Promise<void> {
  const call = { params: { path: { session_id: id } }, body: { title } };
  await take(medium === "image" ? api.PATCH("/api/sessions/{session_id}", call) : api.PATCH("/api/video-sessions/{session_id}", call));
  await client.invalidateQueries({ queryKey: ["sessions"] });
}
