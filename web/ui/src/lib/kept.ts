// Small things kept in this browser. A browser that refuses storage loses them and nothing else.
export function keep(name: string, value: unknown): void {
  try {
    localStorage.setItem(`diorama.${name}`, JSON.stringify(value));
  } catch {
    return;
  }
}

export function kept<T>(name: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(`diorama.${name}`);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

/** Prompts used before, newest first, each once. */
export function promptHistory(): string[] {
  const found = kept<unknown>("prompts", []);
  return Array.isArray(found) ? found.filter((item): item is string => typeof item === "string") : [];
}

export function rememberPrompt(prompt: string, limit: number): void {
  const text = prompt.trim();
  if (text) keep("prompts", [text, ...promptHistory().filter((old) => old !== text)].slice(0, Math.max(0, limit)));
}
