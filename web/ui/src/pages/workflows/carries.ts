// Whether a file that somebody drops may be a workflow.
import type { Facts } from "@/api/client";

/** Whether what a picture says of itself holds a workflow of ComfyUI. */
export const carriesWorkflow = (facts: Pick<Facts, "raw">): boolean => ["workflow", "prompt"].some((name) => facts.raw[name]?.trimStart().startsWith("{"));

/** Whether a file that is no picture may be or carry a workflow: JSON, a video, or a sound. */
export const mayBeWorkflow = (file: Pick<File, "name" | "type">): boolean => /\.json$/i.test(file.name) || file.type === "application/json" || /^(video|audio)\//.test(file.type);
