// Files that people drop, paste or choose.
export const isPicture = (file: File): boolean => file.type.startsWith("image/");

export function dataUrlOf(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new Error("The file could not be read."));
    reader.readAsDataURL(file);
  });
}

/** Saves bytes under a name. */
export function saveAs(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Puts text into the clipboard; false where the browser refuses. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** A frame of ours that is dragged: from the library, or from a strip. */
export interface DraggedAsset {
  id: string;
  url: string;
  name: string;
  kind: "image" | "video" | "audio";
}

/** What is dropped, where it is a frame of ours. */
export function draggedAsset(data: Pick<DataTransfer, "getData">): DraggedAsset | undefined {
  const own = data.getData("application/x-diorama-asset");
  return own ? { kind: "image", ...(JSON.parse(own) as Omit<DraggedAsset, "kind">) } : undefined;
}
