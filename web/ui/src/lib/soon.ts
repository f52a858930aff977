const MOMENT = 120;

/** Waits for answers that are there in a moment, so that a page is drawn once and whole; later ones find it drawn. */
export async function soon(answers: readonly Promise<unknown>[]): Promise<void> {
  await Promise.race([Promise.allSettled(answers), new Promise((go) => setTimeout(go, MOMENT))]);
}
