// A mask while it is painted is white on nothing; as it is sent, white on black and as large as the picture.
interface Point {
  x: number;
  y: number;
}

/** Draws a round line; erasing takes away. */
export function stroke(context: CanvasRenderingContext2D, from: Point, to: Point, radius: number, erase: boolean): void {
  context.globalCompositeOperation = erase ? "destination-out" : "source-over";
  context.strokeStyle = "#fff";
  context.lineCap = "round";
  context.lineJoin = "round";
  context.lineWidth = Math.max(1, radius * 2);
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.lineTo(to.x + 0.01, to.y);
  context.stroke();
}

/** Swaps painted and unpainted. */
export function inverted(canvas: HTMLCanvasElement): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const data = context.getImageData(0, 0, canvas.width, canvas.height);
  invertAlpha(data.data);
  context.putImageData(data, 0, 0);
}

/** Makes every pixel white, as opaque as it was clear. */
export function invertAlpha(pixels: Uint8ClampedArray): void {
  for (let at = 0; at < pixels.length; at += 4) {
    pixels.fill(255, at, at + 3);
    pixels[at + 3] = 255 - (pixels[at + 3] ?? 0);
  }
}

/** Pixels as they are sent: grey from the opacity times the white; returns whether anything is painted. */
export function toMask(pixels: Uint8ClampedArray): boolean {
  let painted = false;
  for (let at = 0; at < pixels.length; at += 4) {
    const grey = Math.round(((pixels[at] ?? 0) * (pixels[at + 3] ?? 0)) / 255);
    painted ||= grey > 127;
    pixels.fill(grey, at, at + 3);
    pixels[at + 3] = 255;
  }
  return painted;
}

/** White on black back to white on nothing, so that the picture shows through while it is painted on. */
export function fromMask(pixels: Uint8ClampedArray): void {
  for (let at = 0; at < pixels.length; at += 4) {
    pixels[at + 3] = pixels[at] ?? 0;
    pixels.fill(255, at, at + 3);
  }
}

/** The mask as a PNG data URL, or null when nothing is painted. */
export function maskUrl(canvas: HTMLCanvasElement): string | null {
  const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
  const context = copy.getContext("2d");
  if (!context) return null;
  context.drawImage(canvas, 0, 0);
  const data = context.getImageData(0, 0, copy.width, copy.height);
  if (!toMask(data.data)) return null;
  context.putImageData(data, 0, 0);
  return copy.toDataURL("image/png");
}
