import type { LogEntry } from "./logs";

export const TYPES: Record<LogEntry["type"], string> = { generate: "Picture", edit: "Edit", video: "Video", upscale: "Upscale", download: "Download" };
