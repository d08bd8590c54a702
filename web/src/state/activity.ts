/** Says that somebody is at this screen, so that nobody is away for reading long. */
import { reachable } from "./store";
import { insist } from "./wire";

const AGAIN_MS = 60_000;
let said = 0;

function active(): void {
  if (!reachable.value || Date.now() - said < AGAIN_MS) return;
  said = Date.now();
  insist({ type: "active" });
}

export function followActivity(): void {
  for (const kind of ["pointerdown", "keydown", "wheel"]) addEventListener(kind, active, { passive: true });
}
