import { useEffect, useState } from "preact/hooks";
import { sentence } from "../client";

export interface Loaded<T> { value: T | null; problem: string | null; again: () => void }

/** Ask once, and again when told to or when what it depends on changes. */
export function useLoad<T>(ask: () => Promise<T>, depends: readonly unknown[] = []): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let current = true;
    ask().then(
      (found) => { if (current) { setValue(found); setProblem(null); } },
      (error: unknown) => { if (current) setProblem(sentence(error)); },
    );
    return () => { current = false; };
  }, [turn, ...depends]);
  return { value, problem, again: () => setTurn((before) => before + 1) };
}
