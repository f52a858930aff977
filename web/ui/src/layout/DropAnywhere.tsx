import { lazy, Suspense, useEffect, useState } from "react";
import { useNavigate } from "@tanstack/react-router";
import { sentenceOf } from "@/api/client";
import { useBackendPages } from "@/lib/backends";
import { isPicture } from "@/lib/files";
import { mayBeWorkflow } from "@/pages/workflows/carries";
import { say } from "@/ui/toasts";

const RecipeDialog = lazy(() => import("./RecipeDialog"));

const ownDrop = (event: DragEvent): boolean => event.target instanceof Element && event.target.closest("[data-drop]") !== null;
const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;

/** A picture dropped anywhere on the page is read for how it was made. Places with a use of their own for files keep it. */
export function DropAnywhere() {
  const [over, setOver] = useState(false);
  const [file, setFile] = useState<File | null>(null);
  const workflows = useBackendPages().some(([to]) => to === "/workflows");
  const navigate = useNavigate();
  useEffect(() => {
    const imported = async (workflow: File): Promise<void> => {
      const { importWorkflow } = await import("@/pages/workflows/queries");
      const { id } = await importWorkflow(workflow);
      await navigate({ to: "/workflows/$id", params: { id } });
    };
    const moved = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(!ownDrop(event));
    };
    const left = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const dropped = (event: DragEvent): void => {
      setOver(false);
      if (!hasFiles(event) || event.defaultPrevented || ownDrop(event)) return;
      event.preventDefault();
      const files = [...(event.dataTransfer?.files ?? [])];
      const found = files.find(isPicture);
      const other = workflows ? files.find(mayBeWorkflow) : undefined;
      if (found) setFile(found);
      else if (other) imported(other).catch((error: unknown) => say(sentenceOf(error), "wrong"));
      else say("Only pictures can be read.", "wrong");
    };
    window.addEventListener("dragover", moved);
    window.addEventListener("dragleave", left);
    window.addEventListener("drop", dropped);
    return () => {
      window.removeEventListener("dragover", moved);
      window.removeEventListener("dragleave", left);
      window.removeEventListener("drop", dropped);
    };
  }, [workflows, navigate]);
  return (
    <>
      {over && (
        <div className="pointer-events-none fixed inset-0 z-40 border-4 border-mark" aria-hidden="true">
          <p className="title absolute inset-x-0 bottom-0 bg-mark px-4 py-3 text-center text-mark-ink">Drop to read how it was made. Drop on “Pictures that go in” to use it.</p>
        </div>
      )}
      <Suspense>{file && <RecipeDialog file={file} onClose={() => setFile(null)} />}</Suspense>
    </>
  );
}
