import type { Job } from "@/api/client";
import { plain } from "./format";

/** Notes of one reason as one: three words that a model does not know are one sentence, not three. */
export function together(notes: Job["ignored"]): { field: string; why: string; values: string[] }[] {
  const groups = new Map<string, { field: string; why: string; values: string[] }>();
  for (const { field, why, before } of notes) {
    const group = groups.get(`${field} ${why}`) ?? { field, why, values: [] };
    group.values.push(plain(before));
    groups.set(`${field} ${why}`, group);
  }
  return [...groups.values()];
}
