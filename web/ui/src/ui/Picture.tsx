import { memo, useState } from "react";
import { thumbHashToDataURL } from "thumbhash";

const drawn = new Map<string, string>();

/** A ThumbHash in base64 as a picture; the empty string for none or a broken one. */
export function placeholderUrl(hash: string | null | undefined): string {
  if (!hash) return "";
  let url = drawn.get(hash);
  if (url === undefined) {
    try {
      url = thumbHashToDataURL(Uint8Array.from(atob(hash), (char) => char.charCodeAt(0)));
    } catch {
      url = "";
    }
    if (drawn.size > 2000) drawn.clear();
    drawn.set(hash, url);
  }
  return url;
}

interface Props {
  src: string;
  alt: string;
  width: number;
  height: number;
  placeholder?: string | null;
  /** Load at once: for what is in view from the start. */
  eager?: boolean;
}

/** A picture that keeps its place while it loads. */
export const Picture = memo(function Picture({ src, alt, width, height, placeholder, eager }: Props) {
  const [loaded, setLoaded] = useState(false);
  const [broken, setBroken] = useState(false);
  const blurred = placeholderUrl(placeholder);
  return (
    <>
      {blurred && !loaded && <img className="placeholder" src={blurred} alt="" />}
      {broken ? (
        <span className="absolute inset-0 grid place-items-center p-2 text-center text-sm text-film-ink">The file is not there.</span>
      ) : (
        <img src={src} alt={alt} width={width || undefined} height={height || undefined} loading={eager ? "eager" : "lazy"} decoding="async" draggable={false}
          className="relative" onLoad={() => setLoaded(true)} onError={() => setBroken(true)} />
      )}
    </>
  );
});

/** The prompt, short enough for a description. */
export function altOf(prompt: string, kind = "picture"): string {
  const text = prompt.trim().replace(/\s+/g, " ");
  if (!text) return `A ${kind} without a prompt`;
  return text.length > 140 ? `${text.slice(0, 139)}…` : text;
}
