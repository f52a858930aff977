import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from "react";
import { Dialog } from "@/ui/Dialog";
import { Slide } from "@/ui/Slide";
import { fromMask, inverted, maskUrl, stroke } from "./mask";

interface Props {
  url: string;
  mask: string | undefined;
  onDone: (mask: string | undefined) => void;
  onClose: () => void;
}

const SIZES = { minimum: 2, maximum: 40, step: 1, integer: true, default: 12 };

/** Paints where a picture may change. White is changed; what stays black is kept. Works with pen, mouse and arrow keys. */
export default function MaskDialog({ url, mask, onDone, onClose }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState<number | undefined>(12);
  const [erase, setErase] = useState(false);
  const [cursor, setCursor] = useState<{ x: number; y: number } | null>(null);
  const last = useRef<{ x: number; y: number } | null>(null);
  const [shape, setShape] = useState<{ width: number; height: number } | null>(null);

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!shape || !context || !mask) return;
    const picture = new Image();
    picture.onload = () => {
      context.drawImage(picture, 0, 0, shape.width, shape.height);
      const data = context.getImageData(0, 0, shape.width, shape.height);
      fromMask(data.data);
      context.putImageData(data, 0, 0);
    };
    picture.src = mask;
  }, [shape, mask]);

  const radius = ((size ?? 12) / 100) * (Math.max(shape?.width ?? 0, shape?.height ?? 0) / 2);
  const paint = (to: { x: number; y: number }) => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    stroke(context, last.current ?? to, to, radius, erase);
    last.current = to;
  };
  const place = (event: PointerEvent) => {
    const box = canvas.current?.getBoundingClientRect();
    if (!box || !shape) return { x: 0, y: 0 };
    return { x: ((event.clientX - box.left) / box.width) * shape.width, y: ((event.clientY - box.top) / box.height) * shape.height };
  };
  const pressed = (event: KeyboardEvent) => {
    const moves: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (!shape || !(move || event.key === " ")) return;
    event.preventDefault();
    const from = cursor ?? { x: shape.width / 2, y: shape.height / 2 };
    const to = move ? { x: Math.min(shape.width, Math.max(0, from.x + move[0] * radius)), y: Math.min(shape.height, Math.max(0, from.y + move[1] * radius)) } : from;
    setCursor(to);
    last.current = event.shiftKey && move ? from : null;
    if (event.key === " " || event.shiftKey) paint(to);
    last.current = null;
  };
  const done = () => {
    const painted = canvas.current && shape ? maskUrl(canvas.current) : null;
    onDone(painted ?? undefined);
  };
  const context = () => canvas.current?.getContext("2d");
  return (
    <Dialog title="Paint what may change" onClose={onClose} wide foot={
      <>
        <button type="button" className="button" onClick={() => shape && context()?.clearRect(0, 0, shape.width, shape.height)}>Clear</button>
        <button type="button" className="button" onClick={() => canvas.current && inverted(canvas.current)}>Swap inside and outside</button>
        <button type="button" className="button main" onClick={done}>Use the mask</button>
      </>
    }>
      <div className="grid gap-3 p-3 md:grid-cols-[1fr_14rem]">
        <div className="relative mx-auto w-fit bg-film">
          <img src={url} alt="The picture to change" className="block max-h-[62dvh] w-auto max-w-full" onLoad={(event) => setShape({ width: event.currentTarget.naturalWidth, height: event.currentTarget.naturalHeight })} />
          {shape && (
            <canvas ref={canvas} width={shape.width} height={shape.height} tabIndex={0} role="application" aria-label="Mask. Arrow keys move the brush, Space paints, Shift and arrows paint a line."
              className="absolute inset-0 h-full w-full cursor-crosshair touch-none opacity-60 focus-visible:outline-2"
              onPointerDown={(event) => { event.currentTarget.setPointerCapture(event.pointerId); last.current = null; paint(place(event)); }}
              onPointerMove={(event) => { setCursor(place(event)); if (event.buttons) paint(place(event)); }}
              onPointerUp={() => { last.current = null; }} onKeyDown={pressed} />
          )}
          {cursor && shape && (
            <span className="pointer-events-none absolute -translate-1/2 rounded-full border-2 border-mark" style={{ left: `${(cursor.x / shape.width) * 100}%`, top: `${(cursor.y / shape.height) * 100}%`, width: `${((radius * 2) / shape.width) * 100}%`, aspectRatio: "1" }} />
          )}
        </div>
        <div className="grid content-start gap-4">
          <Slide label="Brush" range={SIZES} value={size} onChange={setSize} unit="%" />
          <div className="segments">
            <button type="button" className="tab flex-1 justify-center" aria-pressed={!erase} onClick={() => setErase(false)}>Paint</button>
            <button type="button" className="tab flex-1 justify-center" aria-pressed={erase} onClick={() => setErase(true)}>Erase</button>
          </div>
          <p className="hint">Only what is painted changes. By keyboard: arrows move, Space paints a dot, Shift and arrows a line.</p>
        </div>
      </div>
    </Dialog>
  );
}
