/** By which channel and handle a reply leaves, and why. Pure. */
import { displayHandle, isWithheld } from "../client/handle";
import type { Channel, Entry, HandleView, Instant } from "../client/protocol";

export interface Route {
  channel: Channel;
  to: string;
  display: string;
  account: string | null;
  why: string;
  /** Why it cannot be used, when it cannot. */
  blocked: string | null;
  /** When an answer of one's own words must have left; later only a template may. */
  closesAt: Instant | null;
}

export const CHANNEL_WORDS: Record<Channel, string> = {
  sms: "SMS", voice: "Call", email: "E-mail", chat: "Chat",
  whatsapp: "WhatsApp", messenger: "Messenger", instagram: "Instagram",
  telegram: "Telegram", line: "LINE", x: "X", viber: "Viber", slack: "Slack", generic: "Message",
};

/** Every way to answer, the one to use first. */
export function routes(timeline: readonly Entry[], handles: readonly HandleView[]): Route[] {
  const found = new Map<string, Route>();
  const add = (channel: Channel, to: string, account: string | null, why: string) => {
    const key = `${channel} ${to}`;
    if (found.has(key)) return;
    const handle = handles.find((each) => each.value === to);
    found.set(key, {
      channel, to, account, display: handle?.display ?? displayHandle(to), blocked: blockedBy(channel, to, handle, account),
      closesAt: handle?.windows.find((each) => each.account === account)?.closes_at ?? null,
      why: handle?.opted_out.length ? `${why}, but opted out of ${handle.opted_out.join(", ")}` : why,
    });
  };
  for (const entry of timeline.toReversed()) {
    if (entry.direction !== "in" || !entry.channel || !entry.handle) continue;
    if (entry.kind === "message") add(entry.channel, entry.handle, entry.account, lastBy(entry.channel, found.size));
    else if (entry.kind === "call" || entry.kind === "voicemail") {
      add("sms", entry.handle, null, found.size ? "they called from it" : "they called last from this number");
    }
  }
  for (const handle of [...handles].sort((a, b) => Number(b.main) - Number(a.main))) {
    const why = handle.main ? `it is their main ${handle.kind === "email" ? "address" : "number"}` : "it is on the profile";
    if (handle.kind === "phone") add("sms", handle.value, null, why);
    if (handle.kind === "email") add("email", handle.value, null, why);
  }
  return [...found.values()];
}

function lastBy(channel: Channel, earlier: number): string {
  return earlier ? `they have written by ${CHANNEL_WORDS[channel]}` : `they wrote last by ${CHANNEL_WORDS[channel]}`;
}

function blockedBy(channel: Channel, to: string, handle: HandleView | undefined, account: string | null): string | null {
  if (channel === "sms" && isWithheld(to)) return "Who called withheld their number: there is nothing to answer to";
  if (channel === "sms" && handle?.textable === false) return `${handle.display} takes no texts`;
  // Without an account the server chooses one, and says so when none is left.
  if (!handle || account === null || !handle.opted_out.includes(account)) return null;
  return `${handle.display} opted out of ${account}`;
}
