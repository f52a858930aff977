import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { sentenceOf } from "@/api/client";
import { bytes } from "@/lib/format";
import { say } from "@/ui/toasts";
import { DownloadRow, UseIt, useHere } from "./Downloads";
import { civitai, download } from "./queries";
import { aboutKey, downloadOf, type File, fileWords, type Version } from "./facts";

/** The files of a version: which can be fetched, which are refused and why, and what is here already. */
export function Files({ version }: { version: Version }) {
  const best = version.files.find((file) => file.id === version.download_file_id);
  return (
    <section aria-label="Files">
      {best ? <Fetch version={version} file={best} main /> : version.download_problem && <p className="note mb-3">{version.download_problem} {aboutKey({ message: version.download_problem }) && <Link to="/settings" className="text-link">Set the key</Link>}</p>}
      <h2 className="label mt-5 mb-1">{version.files.length === 1 ? "File" : "Files"}</h2>
      <ul className="rows border-t border-line">
        {version.files.map((file) => (
          <li key={file.id} className="py-2">
            <div className="flex flex-wrap items-baseline justify-between gap-x-4"><span className={`param min-w-0 ${file.problem ? "text-dim line-through decoration-mark" : ""}`}>{file.name}</span><span className="param">{file.size ? bytes(file.size) : "size not told"}</span></div>
            <p className="hint">{[fileWords(file), file.sha256 && `sha256 ${file.sha256.slice(0, 12).toLowerCase()}…`].filter(Boolean).join(" · ")}</p>
            {file.problem ? <p className="wrong"><strong>Refused.</strong> {file.problem}</p> : file.id !== best?.id && <Fetch version={version} file={file} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The button that fetches a file, its way here, and where it can be used. */
function Fetch({ version, file, main }: { version: Version; file: File; main?: boolean }) {
  const [busy, setBusy] = useState(false);
  const jobs = useQuery(civitai.downloads).data?.jobs ?? [];
  const job = jobs.find((item) => {
    const wanted = downloadOf(item);
    return wanted?.version === version.id && (wanted.file === file.id || (wanted.file === null && file.id === version.download_file_id));
  });
  const found = useHere(version.id, file.id);
  const came = useLasting(job?.status === "completed" && !found);
  const go = async () => {
    setBusy(true);
    try {
      await download(version.id, file.id);
    } catch (error) {
      say(sentenceOf(error), "wrong");
    } finally {
      setBusy(false);
    }
  };
  if (found) {
    return (
      <div className={main ? "border border-edge p-3" : "pt-1.5"}>
        <p className="mb-2">It is here{found.kind === "lora" ? ", as a LoRA" : ""}: <span className="param">{found.id}</span></p>
        <UseIt version={version.id} file={file.id} {...(main ? { main } : {})} />
      </div>
    );
  }
  if (job && !came) return <ul className={main ? "border border-edge px-3" : ""}><DownloadRow listed={job} /></ul>;
  return (
    <>
      {came && <p className="note mb-2">It was fetched and lies in the models folder. No backend here lists it as a model or a LoRA.</p>}
      <button type="button" className={main && !came ? "button main w-full" : "button mt-1.5"} disabled={busy} onClick={() => void go()}>
        {busy ? "Asking" : came ? "Fetch it again" : main ? `Download ${file.size ? bytes(file.size) : "it"}` : `Download ${file.name}`}
      </button>
    </>
  );
}

const LISTED_BY_THEN = 4000;

/** Whether something has been so for some seconds: lists take a moment to know a new file. */
function useLasting(so: boolean): boolean {
  const [lasting, setLasting] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLasting(so), so ? LISTED_BY_THEN : 0);
    return () => clearTimeout(timer);
  }, [so]);
  return lasting && so;
}
