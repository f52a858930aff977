// Writes the licences of everything that the built studio carries, fonts included, beside it: most of them ask for that.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const ROOT = new URL("../", import.meta.url);
const TARGET = new URL("../../src/diorama_web/static/licences.txt", import.meta.url);
const read = (url) => JSON.parse(readFileSync(url, "utf8"));
const found = new Map();

/** Finds a package as Node does: in the nearest node_modules, then further out. */
function place(name, from) {
  for (let folder = from; folder.pathname.startsWith(ROOT.pathname); folder = new URL("../", folder)) {
    const here = new URL(`node_modules/${name}/`, folder);
    if (existsSync(new URL("package.json", here))) return here;
  }
  return null;
}

function visit(name, from) {
  const folder = place(name, from);
  if (folder === null || found.has(folder.href)) return; // an optional one that is not installed, or seen already
  const about = read(new URL("package.json", folder));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(new URL(file, folder), "utf8").trim() : "";
  if (!text && !about.license) throw new Error(`${name} names no licence`);
  found.set(folder.href, { title: `${about.name} ${about.version} (${about.license ?? "see below"})`, text });
  for (const other of Object.keys(about.dependencies ?? {})) visit(other, folder);
}

const named = Object.keys(read(new URL("package.json", ROOT)).dependencies);
for (const name of [...named, "tailwindcss"]) visit(name, ROOT); // its base styles are part of ours
const parts = [...found.values()].sort((a, b) => a.title.localeCompare(b.title));
const line = "-".repeat(80);
writeFileSync(
  TARGET,
  `The studio is built with these packages.\n\n${parts.map(({ title, text }) => `${line}\n${title}\n${line}\n\n${text}\n`).join("\n")}`,
);
console.log(`licences of ${parts.length} packages`);
