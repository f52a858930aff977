import { expect, test } from "vitest";
import { together } from "@/lib/notes";

test("notes of one reason become one", () => {
  const why = "This model does not know the word.";
  const note = (field: string, before: unknown, reason = why) => ({ field, before, after: null, why: reason });
  expect(together([note("prompt", "dragon"), note("steps", 9, "Fixed."), note("prompt", "pizza")])).toEqual([
    { field: "prompt", why, values: ["dragon", "pizza"] },
    { field: "steps", why: "Fixed.", values: ["9"] },
  ]);
});
