/** Sentences for screen readers; the page has one polite and one assertive region. */
import { signal } from "@preact/signals";

export const polite = signal("");
export const assertive = signal("");

export function announce(text: string, how: "polite" | "assertive" = "polite"): void {
  const region = how === "polite" ? polite : assertive;
  // The same sentence twice is only spoken when the text differs.
  region.value = region.value === text ? `${text}\u00a0` : text;
}
