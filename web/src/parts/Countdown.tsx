import { clock, now } from "../state/store";
import { length } from "../view/format";

const RADIUS = 21;
const ROUND = 2 * Math.PI * RADIUS;

/** A ring that runs out; the seconds stand in it. Silent for screen readers. */
export function Countdown({ from, until, channel, minutes }: { from: number; until: string; channel: string; minutes?: boolean }) {
  const end = Date.parse(until);
  const left = clock.left(until, now.value);
  const part = Math.min(1, left / Math.max(1, end - from));
  const seconds = Math.ceil(left / 1000);
  return (
    <span class={`countdown ch-${channel}`} aria-hidden="true">
      <svg viewBox="0 0 48 48" width="48" height="48">
        <circle cx="24" cy="24" r={RADIUS} />
        <circle class="countdown-left" cx="24" cy="24" r={RADIUS} stroke-dasharray={ROUND} stroke-dashoffset={ROUND * (1 - part)} />
      </svg>
      <b class={minutes ? "long" : ""}>{minutes ? length(seconds) : seconds}</b>
    </span>
  );
}
