/** Moves the page's clock: every second, on the second, so all countdowns step together. */
import { now } from "./store";

export function startTicking(): void {
  const tick = (): void => {
    now.value = Date.now();
    setTimeout(tick, 1000 - (Date.now() % 1000) + 5);
  };
  tick();
}
