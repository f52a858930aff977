// What a frame shows before its picture is there: its mean colour at once, its blurred picture when the browser is idle.
// Drawing a blurred picture costs about half a millisecond, so frames that fly by while scrolling never draw theirs.
import { useEffect, useState } from "react";
import { thumbHashToAverageRGBA, thumbHashToDataURL } from "thumbhash";

const MOST = 2000;
const PATIENCE = 100; // milliseconds in which most pictures come from this machine
const SPARE = 3; // milliseconds of an idle period that are left to the browser
const drawn = new Map<string, string>();
const waiting = new Map<(url: string) => void, string>();
let asked = false;

const bytesOf = (hash: string): Uint8Array => Uint8Array.from(atob(hash), (char) => char.charCodeAt(0));

/** The mean colour of a ThumbHash in base64, for CSS; the empty string for none or a broken one. */
export function meanColour(hash: string | null | undefined): string {
  if (!hash) return "";
  try {
    const { r, g, b } = thumbHashToAverageRGBA(bytesOf(hash));
    return `rgb(${[r, g, b].map((part) => Math.round(part * 255)).join(" ")})`;
  } catch {
    return "";
  }
}

/** A ThumbHash in base64 as a picture; the empty string for a broken one. */
export function placeholderUrl(hash: string): string {
  let url = drawn.get(hash);
  if (url === undefined) {
    try {
      url = thumbHashToDataURL(bytesOf(hash));
    } catch {
      url = "";
    }
    if (drawn.size >= MOST) drawn.clear();
    drawn.set(hash, url);
  }
  return url;
}

const whenIdle = globalThis.requestIdleCallback ?? ((act: IdleRequestCallback) => setTimeout(() => act({ didTimeout: false, timeRemaining: () => 8 }), 30));

function drawSome(deadline: IdleDeadline): void {
  asked = false;
  for (const [show, hash] of [...waiting].reverse()) {
    if (deadline.timeRemaining() < SPARE) break;
    waiting.delete(show);
    show(placeholderUrl(hash));
  }
  if (waiting.size) ask();
}

function ask(): void {
  if (asked) return;
  asked = true;
  setTimeout(() => whenIdle(drawSome), PATIENCE);
}

/** The blurred picture once it is drawn; only while `wanted`. */
export function usePlaceholder(hash: string | null | undefined, wanted: boolean): string {
  const [url, setUrl] = useState(() => (hash ? (drawn.get(hash) ?? "") : ""));
  useEffect(() => {
    if (!hash || !wanted || url) return;
    waiting.set(setUrl, hash);
    ask();
    return () => void waiting.delete(setUrl);
  }, [hash, wanted, url]);
  return url;
}
