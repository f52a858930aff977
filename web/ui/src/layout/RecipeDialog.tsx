import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { api, type Facts, sentenceOf, take } from "@/api/client";
import { useBackendPages } from "@/lib/backends";
import { dataUrlOf } from "@/lib/files";
import { Dialog } from "@/ui/Dialog";
import { handOver } from "@/pages/image/handover";
import { fromFacts } from "@/pages/image/recipe";
import { carriesWorkflow } from "@/pages/workflows/carries";
import { importWorkflow } from "@/pages/workflows/queries";
import { say } from "@/ui/toasts";

const SOURCES: Record<string, string> = { diorama: "Diorama", a1111: "Automatic1111", comfyui: "ComfyUI", invokeai: "InvokeAI", swarmui: "SwarmUI" };

async function inspect(file: File, signal: AbortSignal): Promise<Facts> {
  const form = new FormData();
  form.append("image", file);
  return take(api.POST("/api/assets/inspect", { body: form as never, bodySerializer: (body) => body as unknown as FormData, signal }));
}

/** How a dropped picture was made, and what is missing to make its like. All of it is other people's text. */
export default function RecipeDialog({ file, onClose }: { file: File; onClose: () => void }) {
  const { data, error } = useQuery({ queryKey: ["inspect", file.name, file.size, file.lastModified], queryFn: ({ signal }) => inspect(file, signal), retry: false });
  const [url, setUrl] = useState("");
  const navigate = useNavigate();
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  const use = (changes: Parameters<typeof handOver>[0]) => {
    handOver(changes);
    onClose();
    void navigate({ to: "/image", search: (old) => ("session" in old && old.session ? { session: old.session } : {}) });
  };
  const asReference = async () => {
    const source = await dataUrlOf(file);
    use({ references: [{ source, url: source, name: file.name.slice(0, 60) }], mask: undefined });
  };
  const workflow = useBackendPages().some(([to]) => to === "/workflows") && data !== undefined && carriesWorkflow(data);
  const takeWorkflow = async () => {
    const { id } = await importWorkflow(file);
    onClose();
    await navigate({ to: "/workflows/$id", params: { id } });
  };
  const known = data && (data.prompt || data.seed !== null || data.model);
  return (
    <Dialog title="How it was made" onClose={onClose} wide foot={
      <>
        <button type="button" className="button" onClick={() => void asReference()}>Use as reference</button>
        {workflow && <button type="button" className="button" onClick={() => takeWorkflow().catch((error: unknown) => say(sentenceOf(error), "wrong"))}>Take its workflow</button>}
        {data && known && <button type="button" className="button" onClick={() => use({ prompt: data.prompt })}>Take the prompt</button>}
        {data && known && <button type="button" className="button main" onClick={() => use(fromFacts(data))}>Take all settings</button>}
      </>
    }>
      <div className="grid gap-4 p-4 md:grid-cols-[minmax(0,1fr)_minmax(0,1.4fr)]">
        <div className="grid max-h-[50dvh] place-items-center bg-film p-2">{url && <img src={url} alt={file.name} className="max-h-[48dvh] max-w-full object-contain" />}</div>
        {error ? <p className="wrong" role="alert">{sentenceOf(error)}</p> : !data ? <p className="hint">Reading.</p> : known ? <FactList facts={data} /> : <p>This file does not say how it was made. It can still go in as a reference.</p>}
      </div>
    </Dialog>
  );
}

function FactList({ facts }: { facts: Facts }) {
  const rows: [string, string | number | null][] = [
    ["Written by", SOURCES[facts.source] ?? "an unknown program"],
    ["Prompt", facts.prompt],
    ["Not in it", facts.negative_prompt],
    ["Model", facts.model],
    ["Seed", facts.seed],
    ["Size", facts.width && facts.height ? `${facts.width} × ${facts.height}` : null],
    ["Steps", facts.num_inference_steps],
    ["Guidance", facts.guidance_scale],
    ["Sampler", facts.sampler],
    ["Strength", facts.strength],
    ["LoRA", facts.loras.map((lora) => `${lora.name}${lora.weight === null ? "" : ` ${lora.weight}`}`).join(", ")],
  ];
  return (
    <div className="grid content-start gap-3">
      {facts.missing.length > 0 && <p className="note">Not here: {facts.missing.join(", ")}. The rest can be taken.</p>}
      <dl className="facts">{rows.filter(([, value]) => value !== null && value !== "").map(([name, value]) => [<dt key={`${name}-name`}>{name}</dt>, <dd key={name}>{value}</dd>])}</dl>
    </div>
  );
}
