import { useState } from "preact/hooks";

export interface Act {
  busy: boolean;
  /** Why the last one did not work. */
  problem: string | null;
  /** Do something, one at a time; what follows it runs only when it worked. */
  run(act: () => Promise<unknown>, then?: () => void): Promise<void>;
  clear(): void;
}

/** An action of a form: its button waits, its error stands where it failed. */
export function useAct(): Act {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  return {
    busy, problem,
    async run(act, then) {
      if (busy) return;
      setBusy(true);
      setProblem(null);
      try {
        await act();
        then?.();
      } catch (error) {
        setProblem(error instanceof Error ? error.message : String(error));
      } finally {
        setBusy(false);
      }
    },
    clear: () => setProblem(null),
  };
}
