// Prints what the first view loads, gzipped: the entry, what it imports, and the page it opens.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT = 180_000;
const folder = new URL("../../src/diorama_web/static/", import.meta.url);
const size = (name) => gzipSync(readFileSync(new URL(name, folder)), { level: 9 }).length;
const files = readdirSync(new URL("assets/", folder)).filter((name) => name.endsWith(".js"));
const html = readFileSync(new URL("index.html", folder), "utf8");
const seen = new Set();

function follow(name) {
  if (seen.has(name)) return;
  seen.add(name);
  const source = readFileSync(new URL(`assets/${name}`, folder), "utf8");
  for (const [, other] of source.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g)) follow(other);
}
for (const [, name] of html.matchAll(/(?:src|href)="\/assets\/([^"]+\.js)"/g)) follow(name);
for (const name of files.filter((file) => file.startsWith("ImagePage"))) follow(name);

let total = 0;
for (const name of seen) {
  const bytes = size(`assets/${name}`);
  total += bytes;
  console.log(`${(bytes / 1000).toFixed(1).padStart(8)} kB  ${name}`);
}
console.log(`${(total / 1000).toFixed(1).padStart(8)} kB  JavaScript of the first view, gzipped (goal: at most ${LIMIT / 1000})`);
process.exitCode = total > LIMIT ? 1 : 0;
