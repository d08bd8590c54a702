/** How this browser shows the desk. Kept on this machine; it says nothing about a customer. */
import { effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

export const theme = signal<Theme>(stored("theme") as Theme | null ?? "system");
export const singleKeys = signal(stored("keys") !== "off");
const systemDark = matchMedia("(prefers-color-scheme: dark)");

export function toggleTheme(): void {
  theme.value = shownTheme() === "dark" ? "light" : "dark";
}

function shownTheme(): "light" | "dark" {
  if (theme.value !== "system") return theme.value;
  return systemDark.matches ? "dark" : "light";
}

function stored(name: string): string | null {
  try {
    return localStorage.getItem(`desk.${name}`);
  } catch {
    return null;
  }
}

function store(name: string, value: string): void {
  try {
    localStorage.setItem(`desk.${name}`, value);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

export function followPrefs(): void {
  const show = (): void => {
    document.documentElement.dataset["theme"] = shownTheme();
  };
  effect(() => {
    store("theme", theme.value);
    store("keys", singleKeys.value ? "on" : "off");
    show();
  });
  systemDark.addEventListener("change", show);
}
