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
