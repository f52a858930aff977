import { useState } from "react";
import { meanColour, type Preview, previewUrl } from "./facts";

/** A preview of somebody else's site in a frame that has its place before it comes, and keeps it when it does not. */
export function Shot({ preview, alt, size, cover }: { preview: Preview | null; alt: string; size: "card" | "page"; cover?: boolean }) {
  const [state, setState] = useState<"coming" | "here" | "gone">("coming");
  const colour = meanColour(preview?.blurhash ?? null);
  return (
    <span className="absolute inset-0" style={state === "coming" && colour ? { backgroundColor: colour, opacity: 0.5 } : undefined}>
      {!preview || state === "gone" ? (
        <span className="label absolute inset-0 grid place-items-center p-3 text-center text-film-ink" aria-hidden="true">{preview ? "its preview does not come" : "no preview"}</span>
      ) : (
        <img src={previewUrl(preview.url, size)} alt={alt} width={preview.width || undefined} height={preview.height || undefined} loading="lazy" decoding="async" className={cover ? "!object-cover" : ""} onLoad={() => setState("here")} onError={() => setState("gone")} />
      )}
      {preview?.type === "video" && state === "here" && <span className="label absolute right-1 bottom-1 bg-film px-1.5 text-[0.8rem] text-film-bright">still of a video</span>}
    </span>
  );
}
