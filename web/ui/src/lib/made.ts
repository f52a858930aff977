// What a job made, in one form for every kind of file.
import type { Job } from "@/api/client";
import { seconds } from "./format";

export interface Made {
  id: string;
  to: "/asset/$id" | "/asset/video/$id";
  thumbnail_url: string;
  placeholder: string | null;
  seed: number | null;
  /** Shape of its small picture; that of a sound is its waveform. */
  width: number;
  height: number;
  /** Its size, or how long it is. */
  extent: string;
}

const WAVEFORM = { width: 320, height: 160 };

/** Pictures first, then the video, then sounds. */
export function madeBy(job: Pick<Job, "images" | "video" | "sounds">): Made[] {
  const size = (item: { width: number; height: number }) => `${item.width} × ${item.height}`;
  return [
    ...job.images.map((item) => ({ ...item, to: "/asset/$id" as const, extent: size(item) })),
    ...(job.video ? [{ ...job.video, to: "/asset/video/$id" as const, extent: size(job.video) }] : []),
    ...job.sounds.map((item) => ({ ...item, ...WAVEFORM, to: "/asset/$id" as const, extent: item.duration === null ? "" : seconds(item.duration) })),
  ];
}

/** `44.1 kHz stereo`. */
export function soundWords(sound: { sample_rate: number | null; channels: number | null }): string {
  const channels = sound.channels === 1 ? "mono" : sound.channels === 2 ? "stereo" : sound.channels ? `${sound.channels} channels` : "";
  return [sound.sample_rate ? `${sound.sample_rate / 1000} kHz` : "", channels].filter(Boolean).join(" ");
}
