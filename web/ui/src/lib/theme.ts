// The theme: "system" follows the device. Kept here for the first paint and on the server for other browsers.
import { api, type Preferences, take } from "@/api/client";
import { client, queries } from "@/api/queries";

export type Theme = Preferences["theme"];
const KEY = "diorama.theme";

export function currentTheme(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "dark" || kept === "light" ? kept : "system";
}

export function showTheme(theme: Theme): void {
  if (theme === "system") {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem(KEY);
  } else {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem(KEY, theme);
  }
}

export async function chooseTheme(theme: Theme): Promise<void> {
  showTheme(theme);
  client.setQueryData(queries.preferences.queryKey, await take(api.POST("/api/settings", { body: { theme } })));
}
