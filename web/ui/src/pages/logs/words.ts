import { STATUS_WORDS } from "@/lib/format";
import type { LogEntry } from "./logs";

export const TYPES: Record<LogEntry["type"], string> = { generate: "Picture", edit: "Edit", video: "Video", upscale: "Upscale", download: "Download" };

/** A refused request never became a job. */
export const OUTCOMES: Record<LogEntry["status"], string> = { ...STATUS_WORDS, refused: "Refused" };
