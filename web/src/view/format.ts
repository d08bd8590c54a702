/** Times and words as the desk shows them: the agent's own zone, 24 hours. */
import type { Channel, Customer, DeliveryStatus, HandleView, Presence } from "../client/protocol";
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

export function initials(name: string): string {
  const parts = name.split(/\s+/).filter((part) => /^\p{L}/u.test(part));
  const letters = [parts[0], parts.length > 1 ? parts.at(-1) : undefined];
  return letters.map((part) => (part ? [...part][0] : "")).join("").toUpperCase();
}

export function displayName(customer: Customer): string {
  return customer.name ?? mainHandle(customer.handles)?.display ?? "Unknown customer";
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
  missed_offer: "missed an offer", leg_failed: "phone did not answer", break: "break", lunch: "lunch",
};

export function presenceWords(presence: Presence): string {
  const word = { available: "Available", away: "Away", offline: "Offline" }[presence.status];
  if (!presence.reason || presence.status === "available") return word;
  return `${word} · ${REASON_WORDS[presence.reason] ?? presence.reason.replaceAll("_", " ")}`;
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
