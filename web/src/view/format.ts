/** Times and words as the desk shows them: the agent's own zone, 24 hours. */
import type { Channel, Customer, DeliveryStatus, Entry, HandleView, Id, Presence } from "../client/protocol";
import type { OpenProfile } from "../state/profile";
import { displayHandle, isClaimed, isWithheld } from "../client/handle";
import { CHANNEL_WORDS } from "../state/route";

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DAY_LONG = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "long" });
const MONTH = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric" });
const WEEKDAY = new Intl.DateTimeFormat("en-GB", { weekday: "short" });
const DAY_MS = 86_400_000;

type When = string | number;

export const time = (at: When): string => TIME.format(new Date(at));

export function dayKey(at: When): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** Today 09:48, this week Wed, this year 12 Nov, else Mar 2021. */
export function shortWhen(at: When, now: number): string {
  if (dayKey(at) === dayKey(now)) return time(at);
  return shortDay(at, now);
}

export function shortDay(at: When, now: number): string {
  const date = new Date(at);
  if (dayKey(at) === dayKey(now)) return "Today";
  if (now - date.getTime() < 6 * DAY_MS) return WEEKDAY.format(date);
  return date.getFullYear() === new Date(now).getFullYear() ? DAY.format(date) : MONTH.format(date);
}

/** Today 09:48, else 12 Nov, 09:48: after the word "since". */
export function since(at: When, now: number): string {
  return dayKey(at) === dayKey(now) ? time(at) : `${shortDay(at, now)}, ${time(at)}`;
}

export function longDay(at: When, now: number): string {
  const date = new Date(at);
  const year = date.getFullYear() === new Date(now).getFullYear() ? "" : ` ${date.getFullYear()}`;
  const text = `${DAY_LONG.format(date).replace(",", "")}${year}`;
  if (dayKey(at) === dayKey(now)) return `Today, ${text}`;
  return dayKey(at) === dayKey(now - DAY_MS) ? `Yesterday, ${text}` : text;
}

export function fullWhen(at: When): string {
  return `${DAY_LONG.format(new Date(at))} ${new Date(at).getFullYear()}, ${time(at)}`;
}

/** 1:06, or 1:02:09 from an hour on. */
export function length(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** A day inside a sentence: today, Wed, 12 Nov. */
export const midSentence = (day: string): string => day.replace("Today", "today");

/** When a task is due: Today 16:00, Fri 09:00, 20 Nov. */
export function dueWords(at: When, now: number): string {
  if (dayKey(at) === dayKey(now)) return `Today ${time(at)}`;
  const tomorrow = dayKey(at) === dayKey(now + DAY_MS);
  return tomorrow ? `Tomorrow ${time(at)}` : `${WEEKDAY.format(new Date(at))} ${DAY.format(new Date(at))}`;
}

/** The end of the day at the agent's. */
export function endOfDay(now: number): number {
  return new Date(now).setHours(24, 0, 0, 0);
}

export function initials(name: string): string {
  const parts = name.split(/\s+/).filter((part) => /^\p{L}/u.test(part));
  const letters = [parts[0], parts.length > 1 ? parts.at(-1) : undefined];
  return letters.map((part) => (part ? [...part][0] : "")).join("").toUpperCase();
}

export function displayName(customer: Customer): string {
  return customer.name ?? mainHandle(customer.handles)?.display ?? "Unknown customer";
}

/** What a profile is called; while nobody knows who it is, by the handle that was written on. */
export function profileName(open: OpenProfile): string {
  return open.customer ? displayName(open.customer) : handleOf(open) ?? "Not known yet";
}

/** The handle the last entry of the customer came on. */
export function handleOf(open: OpenProfile): string | null {
  const handle = lastHandle(open);
  return handle ? displayHandle(handle) : null;
}

/** Why nobody knows whose the handle is that was written on. */
export function whyUnknown(open: OpenProfile): "shared" | "unproven" | "withheld" {
  const handle = lastHandle(open) ?? "";
  return isClaimed(handle) ? "unproven" : isWithheld(handle) ? "withheld" : "shared";
}

function lastHandle(open: OpenProfile): string | null {
  return open.timeline.findLast((entry) => entry.direction === "in" && entry.handle)?.handle ?? null;
}

export function mainHandle(handles: readonly HandleView[]): HandleView | undefined {
  return handles.find((handle) => handle.main) ?? handles[0];
}

export function localTime(zone: string, now: number): string | null {
  try {
    return new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(now);
  } catch {
    return null;
  }
}

export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

export const RECEIPT_WORDS: Record<DeliveryStatus, string> = {
  queued: "Queued", sending: "Sending", sent: "Sent", delivered: "Delivered", read: "Read",
  failed: "Failed", unknown: "Not known whether it was sent",
};

const REASON_WORDS: Record<string, string> = {
  missed_offer: "missed an offer", leg_failed: "phone did not answer", idle: "nobody at the screen",
};

/** `labelOf`: what administrators call a reason. */
export function presenceWords(presence: Presence, labelOf: (reason: string) => string | undefined = () => undefined): string {
  const word = { available: "Available", away: "Away", offline: "Offline" }[presence.status];
  if (!presence.reason || presence.status === "available") return word;
  const label = labelOf(presence.reason);
  return `${word} · ${REASON_WORDS[presence.reason] ?? label ?? presence.reason.replaceAll(/[_-]/g, " ")}`;
}

/** What a step of the work says: [by the reader, by a colleague, by nobody]. */
const STEP_WORDS: Record<string, [string, string, string]> = {
  accepted: ["You took this contact", "took this contact", "Taken"],
  finished: ["You finished this contact", "finished this contact", "Finished"],
  transferred: ["You handed this contact on", "handed this contact on", "Handed on"],
  taken_back: ["You took this contact back", "took this contact back", "Taken back"],
  closed: ["You closed the conversation", "closed the conversation", "Conversation closed"],
  handed_back: ["Your contact went back to the queue", "left, and the contact went back to the queue", "Back to the queue"],
};

/** Before the labels of a disposition. */
const ENDED_AS = "disposition: ";

/** The sentence of a `status`, `consent` or `task` entry. Unknown steps are shown as they came. */
export function lineWords(entry: Entry, me: Id | undefined): string {
  if (entry.kind === "consent") return `The customer wrote “${entry.body}”`;
  const words = entry.kind === "status" ? STEP_WORDS[entry.body] : undefined;
  if (entry.kind === "status" && entry.body.startsWith(ENDED_AS)) return `Ended as ${entry.body.slice(ENDED_AS.length)}`;
  if (!words) return entry.body.replaceAll("_", " ");
  if (!entry.author) return words[2];
  return entry.author.id === me ? words[0] : `${entry.author.name} ${words[1]}`;
}

/** Tags as words: the ones that change how a customer is treated first. */
export function sortedTags(tags: readonly string[]): { tag: string; vip: boolean; word: string }[] {
  const all = tags.map((tag) => {
    const vip = tag.toLowerCase() === "vip";
    return { tag, vip, word: vip ? "VIP" : tag.charAt(0).toUpperCase() + tag.slice(1) };
  });
  return all.sort((a, b) => Number(b.vip) - Number(a.vip));
}

/** "2 SMS to delivery" or "Call on delivery". */
export function approach(channel: Channel, messages: number, account: string): string {
  if (channel === "voice") return `Call on ${account}`;
  const word = CHANNEL_WORDS[channel];
  if (messages <= 1) return `${word} to ${account}`;
  return channel === "sms" ? `${messages} SMS to ${account}` : `${messages} ${word} messages to ${account}`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
