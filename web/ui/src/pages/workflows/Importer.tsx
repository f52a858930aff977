import { useNavigate } from "@tanstack/react-router";
import { type DragEvent, useId, useRef, useState } from "react";
import { Problem, sentenceOf } from "@/api/client";
import { speak } from "@/ui/toasts";
import { importWorkflow } from "./queries";

const KINDS = ".json,.png,.webp,.mp4,.webm,.mov,.flac,.mp3,.opus,.ogg,application/json,image/png,image/webp,video/mp4,audio/flac,audio/mpeg,audio/ogg";

/** Takes in a file and opens the form that it becomes. */
export function useImport() {
  const navigate = useNavigate();
  const [reading, setReading] = useState("");
  const [wrong, setWrong] = useState("");
  const take = async (file: File | undefined) => {
    if (!file || reading) return;
    setReading(file.name);
    setWrong("");
    try {
      const workflow = await importWorkflow(file);
      speak(`${workflow.title} is here.`, true);
      await navigate({ to: "/workflows/$id", params: { id: workflow.id } });
    } catch (error) {
      setWrong(error instanceof Problem && error.field === "workflow" ? `${file.name}: ${error.sentence} Use a picture that ComfyUI itself saved, or its JSON.` : `${file.name}: ${sentenceOf(error)}`);
    } finally {
      setReading("");
    }
  };
  return { take, reading, wrong };
}

/** An unexposed strip: where a workflow is dropped or chosen. */
export function Importer({ reading, wrong, take, small }: ReturnType<typeof useImport> & { small: boolean }) {
  const id = useId();
  const depth = useRef(0);
  const [over, setOver] = useState(false);
  const leave = (drop: boolean) => {
    depth.current = drop ? 0 : Math.max(0, depth.current - 1);
    if (depth.current === 0) setOver(false);
  };
  const events = {
    onDragEnter: () => { depth.current += 1; setOver(true); },
    onDragLeave: () => leave(false),
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      leave(true);
      void take(event.dataTransfer.files[0]);
    },
  };
  return (
    <div className="mb-6">
      <label htmlFor={id} className="strip on-film block focus-within:outline-2 focus-within:outline-offset-2 focus-within:outline-mark" {...events}>
        <span className="sprockets block" aria-hidden="true" />
        <span className={`m-2 flex flex-wrap items-center justify-center gap-x-8 gap-y-3 border border-dashed px-4 text-center ${small ? "min-h-24 py-4" : "min-h-56 flex-col py-8"} ${over ? "border-[#f0513b]" : "border-[#6d665d]"}`}>
          <span className="title text-film-bright">{reading ? `Reading ${reading}` : over ? "Let go to read it" : "Drop a workflow"}</span>
          <span className="max-w-[34rem] text-[0.95rem]">A PNG, WebP or MP4 that ComfyUI saved carries its workflow. Its JSON does as well, in either format.</span>
          <span className="button" aria-hidden="true">Choose a file</span>
          <input id={id} className="sr" type="file" accept={KINDS} aria-label="Choose a workflow file" disabled={reading !== ""} onChange={(event) => { void take(event.target.files?.[0]); event.target.value = ""; }} />
        </span>
        <span className="sprockets block" aria-hidden="true" />
      </label>
      {wrong && <p className="note mt-3" role="alert">{wrong}</p>}
    </div>
  );
}
