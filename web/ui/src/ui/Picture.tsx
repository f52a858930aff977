import { memo, useMemo, useState } from "react";
import { meanColour, usePlaceholder } from "./placeholders";

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
  const blurred = usePlaceholder(placeholder, !loaded);
  const colour = useMemo(() => meanColour(placeholder), [placeholder]);
  return (
    <>
      {!loaded && !broken && (blurred ? <img className="placeholder" src={blurred} alt="" /> : colour && <svg className="placeholder" viewBox={`0 0 ${width || 1} ${height || 1}`} aria-hidden="true"><rect width="100%" height="100%" fill={colour} /></svg>)}
      {broken ? (
        <span className="absolute inset-0 grid place-items-center p-2 text-center text-sm text-film-ink">The file is not there.</span>
      ) : (
        <img src={src} alt={alt} width={width || undefined} height={height || undefined} loading={eager ? "eager" : "lazy"} decoding="async" fetchPriority={eager ? "high" : "auto"} draggable={false}
          className="relative" onLoad={() => setLoaded(true)} onError={() => setBroken(true)} />
      )}
    </>
  );
});

/** A kind of file as people call it. */
export const kindWord = (kind: "image" | "video" | "audio"): string => ({ image: "picture", video: "video", audio: "sound" })[kind];

/** The prompt, short enough for a description. */
export function altOf(prompt: string, kind = "picture"): string {
  const text = prompt.trim().replace(/\s+/g, " ");
  if (!text) return `A ${kind === "image" ? "picture" : kind} without a prompt`;
  return text.length > 140 ? `${text.slice(0, 139)}…` : text;
}
