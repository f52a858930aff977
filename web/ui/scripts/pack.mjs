// Writes each text of the built studio once more as Brotli, for browsers that take it; the server compresses for the rest.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants } from "node:zlib";

const folder = new URL("../../src/diorama_web/static/", import.meta.url);
let [before, after] = [0, 0];
for (const name of readdirSync(folder, { recursive: true })) {
  if (!/\.(js|css|html|svg|txt)$/.test(name)) continue;
  const text = readFileSync(new URL(name, folder));
  const packed = brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: text.length } });
  if (packed.length < text.length) writeFileSync(new URL(`${name}.br`, folder), packed);
  before += text.length;
  after += packed.length;
}
console.log(`texts ${(before / 1000).toFixed(0)} kB, as Brotli ${(after / 1000).toFixed(0)} kB`);
