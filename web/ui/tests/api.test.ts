// @vitest-environment node
import { readFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";
import { expect, it } from "vitest";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

it("types are those of the committed document: npm run api", async () => {
  const made = astToString(await openapiTS(JSON.parse(read("../openapi.json")), { alphabetize: true, emptyObjectsUnknown: true }));
  expect(read("../src/api/schema.d.ts").endsWith(made)).toBe(true);
}, 30_000);
