// Spans of days that people look for, as the library's address says them.
const DAY = 86_400_000;

/** A day of this browser's calendar, `2026-03-09`. */
export function dayOf(time: Date): string {
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}

export interface Span {
  name: string;
  since: string;
  until?: string;
}

/** Today, yesterday, this week and the one before (from Monday), the last thirty days. */
export function spans(now = new Date()): Span[] {
  const back = (days: number): string => dayOf(new Date(now.getTime() - days * DAY));
  const monday = (now.getDay() + 6) % 7;
  return [
    { name: "Today", since: back(0) },
    { name: "Yesterday", since: back(1), until: back(1) },
    { name: "This week", since: back(monday) },
    { name: "Last week", since: back(monday + 7), until: back(monday + 1) },
    { name: "Last 30 days", since: back(29) },
  ];
}
