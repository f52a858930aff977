// Prompts to begin with: each shows something that the models which come along can do.
import type { Medium } from "./draft";

export const PROMPTS: Record<Medium, readonly string[]> = {
  image: ["a red ball under a yellow sun", "a blue boat under a white moon, at night", "a green tree in the snow"],
  video: ["a red ball rolls to the right", "clouds move over a yellow field", "a boat sails past a lighthouse"],
};
