/** What a message holds besides words, as model/content.py defines it; `type` tells them apart. */
import type { Instant } from "./protocol";

export interface ContactCard { name: string; phones: string[]; emails: string[]; company: string | null }
export interface OrderItem { product: string; quantity: string; price: string | null; currency: string | null }
export interface MailAddress { email: string; name: string | null }

export interface Mail {
  type: "mail";
  subject: string;
  sender: MailAddress | null;
  to: MailAddress[];
  cc: MailAddress[];
  reply_to: MailAddress | null;
  date: Instant | null;
  message_id: string | null;
  in_reply_to: string | null;
  references: string[];
  /** What the body repeats of earlier mail, and what ends it. */
  quoted: string | null;
  signature: string | null;
  /** A cleaned HTML form is served apart. */
  html: boolean;
  automatic: "bounce" | "complaint" | "auto_reply" | "bulk" | null;
  authenticated: boolean;
  /** Why it was read only in part. */
  incomplete: string | null;
}

/** The course of a call, or of the voicemail it left, as it is now; its recording is the entry's medium. */
export interface Call {
  type: "call";
  call: string;
  direction: "in" | "out";
  state: "menu" | "waiting" | "connecting" | "bridged" | "voicemail" | "calling" | "ended";
  outcome: "answered" | "abandoned" | "voicemail" | "turned_away" | "unanswered" | null;
  ours: string;
  theirs: string;
  agents: string[];
  menu: string[];
  /** The outside number it was put through to. */
  peer: string | null;
  on_hold: boolean;
  answered_at: Instant | null;
  ended_at: Instant | null;
  waited_seconds: number | null;
  talked_seconds: number | null;
  recording: "running" | "paused" | "done" | "absent" | "failed" | null;
  recorded_seconds: number | null;
  transcript: string | null;
}

export type Content =
  | { type: "location"; latitude: number; longitude: number; name: string | null; address: string | null }
  | { type: "cards"; cards: ContactCard[] }
  | { type: "choice"; kind: "button" | "list" | "quick_reply" | "postback" | "menu" | "digits"; title: string; id: string | null; description: string | null }
  | { type: "order"; catalogue: string | null; items: OrderItem[] }
  | { type: "sticker"; animated: boolean }
  | { type: "voice_note" }
  | { type: "story"; kind: "reply" | "mention"; url: string | null; id: string | null }
  | { type: "referral"; source: string; url: string | null; id: string | null; headline: string | null; body: string | null; ref: string | null }
  | { type: "shared"; kind: string; url: string | null; title: string | null; id: string | null }
  | { type: "form"; name: string | null; answers: Record<string, string> }
  | { type: "forwarded"; many_times: boolean }
  | { type: "notice"; text: string }
  | { type: "template"; name: string; language: string; parameters: string[] }
  | { type: "unsupported"; kind: string; reason: string | null }
  | Mail
  | Call;

export type ContentOf<Type extends Content["type"]> = Extract<Content, { type: Type }>;

export function contentOf<Type extends Content["type"]>(content: readonly Content[], type: Type): ContentOf<Type> | undefined {
  return content.find((each): each is ContentOf<Type> => each.type === type);
}
