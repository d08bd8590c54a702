/** What was promised, in words: an answer or an end, and how long there is for it. Pure. */
import type { SlaAlert, SlaClock } from "../client/protocol";

const SOON_MS = 10 * 60_000;
const NAMES = { first_response: "Answer", resolution: "Resolution" } as const;

export interface Due { words: string; tone: "" | "warn" | "danger"; title: string }

/** The clock that is due first of those that run. */
export function nextDue(clocks: readonly SlaClock[]): SlaClock | undefined {
  return clocks.filter((each) => each.due_at !== null).sort((a, b) => Date.parse(a.due_at ?? "") - Date.parse(b.due_at ?? ""))[0];
}

/** `now`: the server's time. */
export function dueWords(clock: SlaClock, now: number): Due | undefined {
  if (clock.due_at === null) return undefined;
  const left = Date.parse(clock.due_at) - now;
  const name = NAMES[clock.measure];
  const title = `${name} promised by ${new Date(clock.due_at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })}`;
  if (left <= 0) return { words: `${name} overdue ${span(-left)}`, tone: "danger", title };
  const soon = clock.warn_at === null ? left < SOON_MS : Date.parse(clock.warn_at) <= now;
  return { words: `${name} due in ${span(left)}`, tone: soon ? "warn" : "", title };
}

export function alertWords(alert: SlaAlert): string {
  const who = alert.customer_name ?? "A customer";
  return alert.what === "breach" ? `${who}: ${NAMES[alert.measure].toLowerCase()} overdue` : `${who}: ${NAMES[alert.measure].toLowerCase()} due soon`;
}

/** 45 s, 12 min, 3 h 5 min, 2 d 4 h. */
export function span(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
}
