import { effect, signal, type Signal } from "@preact/signals";

/** A signal that survives a reload in this tab, and nothing longer. */
export function kept<T>(key: string, initial: T): Signal<T> {
  const name = `desk.${key}`;
  const value = signal(read(name, initial));
  effect(() => {
    const next = value.value;
    try {
      sessionStorage.setItem(name, JSON.stringify(next));
    } catch {
      // Storage may be full or forbidden; the value then lives as long as the page.
    }
  });
  return value;
}

function read<T>(name: string, initial: T): T {
  try {
    const text = sessionStorage.getItem(name);
    return text === null ? initial : (JSON.parse(text) as T);
  } catch {
    return initial;
  }
}
