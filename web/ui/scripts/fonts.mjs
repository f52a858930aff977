// Writes the letters that every page needs (ASCII and a few marks) as fonts of their own. The whole Latin files stay
// beside them and are fetched only where a text holds another letter; a phone waits for half the bytes.
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import subsetFont from "subset-font";

const PACKAGES = new URL("../node_modules/", import.meta.url);
const TARGET = new URL("../src/styles/basic/", import.meta.url);
const FONTS = {
  "barlow-500": "@fontsource/barlow-condensed/files/barlow-condensed-latin-500-normal.woff2",
  "barlow-600": "@fontsource/barlow-condensed/files/barlow-condensed-latin-600-normal.woff2",
  archivo: "@fontsource-variable/archivo/files/archivo-latin-wght-normal.woff2",
  courier: "@fontsource/courier-prime/files/courier-prime-latin-400-normal.woff2",
};
// the same as `unicode-range` in src/styles/fonts.css
const LETTERS = [...Array.from({ length: 0x5f }, (_, at) => String.fromCodePoint(0x20 + at)), "\u00a0", "·", "×", "–", "’", "…"].join("");

mkdirSync(TARGET, { recursive: true });
for (const [name, file] of Object.entries(FONTS)) {
  const target = new URL(`${name}.woff2`, TARGET);
  const source = new URL(file, PACKAGES);
  const made = statSync(target, { throwIfNoEntry: false });
  if (made && made.mtimeMs > Math.max(statSync(source).mtimeMs, statSync(new URL(import.meta.url)).mtimeMs)) continue;
  writeFileSync(target, await subsetFont(readFileSync(source), LETTERS, { targetFormat: "woff2" }));
}
