import { expect, it } from "vitest";
import type { Job } from "@/api/client";
import { madeBy, soundWords } from "@/lib/made";
import { operationWords } from "@/pages/models/words";
import { downloads } from "@/pages/image/FrameActions";

const ref = (id: string) => ({ id, filename: "", url: `/${id}`, thumbnail_url: `/${id}/thumbnail`, seed: 1, placeholder: null });
const sound = { ...ref("s"), mime: "audio/flac", duration: 65, sample_rate: 44100, channels: 2 };

it("lists what a job made, whatever kind it is", () => {
  const job = { images: [{ ...ref("i"), width: 64, height: 48 }], video: null, sounds: [sound] } as unknown as Job;
  expect(madeBy(job).map((item) => [item.id, item.to, item.extent])).toEqual([["i", "/asset/$id", "64 × 48"], ["s", "/asset/$id", "1:05"]]);
  expect(madeBy(job)[1]).toMatchObject({ width: 320, height: 160 });
});

it("says what a sound is", () => {
  expect(soundWords(sound)).toBe("44.1 kHz stereo");
  expect(soundWords({ sample_rate: 16000, channels: 1 })).toBe("16 kHz mono");
  expect(soundWords({ sample_rate: null, channels: null })).toBe("");
  expect(operationWords(["generate", "edit"], true)).toBe("Text to sound, Sound to sound");
  expect(operationWords(["generate", "upscale"], false)).toBe("Text to image, Upscale");
});

it("offers each kind in its own formats", () => {
  const labels = (kind: "image" | "video" | "audio") => downloads({ url: "/x", kind }).map((choice) => choice?.label);
  expect(labels("audio")).toEqual(["As it was made", "FLAC", "MP3", "Ogg Opus", "WAV", "M4A"]);
  expect(labels("video")).toEqual(["As it was made"]);
  expect(labels("image")).toContain("PNG");
});
