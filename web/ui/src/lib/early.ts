// Answers that public/early.js has asked for before the studio was there.
declare global {
  interface Window {
    diorama?: { early: Map<string, Promise<Response>> };
  }
}

/** `fetch`, but what was asked for already is taken once instead. */
export async function earlyFetch(request: Request): Promise<Response> {
  const early = window.diorama?.early;
  const { pathname, search } = new URL(request.url);
  const answer = request.method === "GET" ? early?.get(pathname + search) : undefined;
  if (!early || !answer) return fetch(request);
  early.delete(pathname + search);
  return answer.catch(() => fetch(request));
}

/** From now on everything is asked anew: what nobody has taken until then grows old. */
export function forgetEarly(): void {
  window.diorama?.early.clear();
}
