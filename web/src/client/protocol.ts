/** Frames of the screen protocol `screen.v1+json`, as model/wire.py defines them. */

export type Id = string;
/** An instant, RFC 3339 with an offset. */
export type Instant = string;

export type Channel = "sms" | "voice" | "email" | "chat" | "whatsapp" | "messenger" | "instagram";
export type WorkClass = "voice" | "messaging" | "mail";
export type PresenceStatus = "available" | "away" | "offline";
export type EntryKind = "message" | "note" | "status" | "call" | "voicemail" | "task" | "consent";
export type DeliveryStatus = "queued" | "sending" | "sent" | "delivered" | "read" | "failed" | "unknown";
export type OfferState = "pending" | "accepted" | "declined" | "timed_out" | "rescinded";
export type ContactState =
  "new" | "queued" | "offered" | "assigned" | "wrapping" | "parked" | "abandoned" | "closed";
export type VisibleState = "waiting" | "assigned" | "wrapping" | "parked" | "abandoned" | "closed";
export type ConversationStatus = "new" | "open" | "waiting" | "closed";

export interface Actor { id: Id; name: string; role: "agent" | "supervisor" | "admin" | "service" }
export interface Presence { status: PresenceStatus; reason: string | null; connected: boolean; since: Instant }
export interface Capacity { used: number; slots: number }
export interface Author { id: Id; name: string }
export interface Media { url: string; content_type: string }

export interface Entry {
  id: Id;
  kind: EntryKind;
  channel: Channel | null;
  direction: "in" | "out" | null;
  body: string;
  at: Instant;
  status: DeliveryStatus | null;
  conversation: Id | null;
  author: Author | null;
  handle: string | null;
  account: string | null;
  media: Media[];
  occurred_at: Instant | null;
  error: string | null;
}

export interface ProfileContact {
  id: Id;
  conversation: Id;
  channel: Channel;
  work_class: WorkClass;
  state: VisibleState;
  agent: Author | null;
  arrived_at: Instant;
  due_at: Instant | null;
}

export interface HeldContact {
  contact: Id;
  state: ContactState;
  conversation: Id;
  customer: Id;
  customer_name: string | null;
  handle: string;
  channel: Channel;
  work_class: WorkClass;
  preview: string;
  preview_direction: "in" | "out" | null;
  unread: number;
  at: Instant;
  due_at: Instant | null;
}

export interface HandleView {
  kind: "phone" | "email" | "social";
  value: string;
  display: string;
  label: string | null;
  main: boolean;
  shared: boolean;
  opted_out: string[];
  source: string;
  added_at: Instant;
}

export interface Customer {
  id: Id;
  name: string | null;
  handles: HandleView[];
  company: string | null;
  location: string | null;
  language: string | null;
  time_zone: string | null;
  plan: string | null;
  tags: string[];
  created_at: Instant;
  contacts_30_days: number;
  first_contact_at: Instant | null;
  last_contact_at: Instant | null;
}

export interface CustomerSummary {
  id: Id;
  name: string | null;
  company: string | null;
  plan: string | null;
  tags: string[];
  handles: string[];
}

export interface Conversation {
  id: Id;
  status: ConversationStatus;
  opened_at: Instant;
  closed_at: Instant | null;
  needs_attention: boolean;
  contacts: ProfileContact[];
}

export interface OfferCard {
  offer: Id;
  contact: Id;
  customer_name: string | null;
  handle: string;
  channel: Channel;
  account: string;
  queue: string;
  preview: string;
  messages: number;
  waiting_since: Instant;
  offered_at: Instant;
  expires_at: Instant;
}

// Items of a feed.

export type CustomerEvent =
  | { kind: "entry"; entry: Entry }
  | { kind: "receipt"; entry: Id; status: DeliveryStatus; error: string | null }
  | { kind: "contact"; contact: ProfileContact }
  | ({ kind: "conversation"; conversation: Id } & Omit<Conversation, "id" | "contacts">)
  | { kind: "consent"; handle: string; account: string; opted_out: boolean };

export type AgentEvent =
  | ({ kind: "offer"; customer: Id } & OfferCard)
  | { kind: "offer_updated"; offer: Id; preview: string; messages: number }
  | { kind: "offer_ended"; offer: Id; contact: Id; outcome: OfferState; reason: string | null }
  | { kind: "presence"; presence: Presence }
  | { kind: "held"; held: HeldContact; routed: boolean }
  | { kind: "contact_ended"; contact: Id; reason: string };

export type FeedEvent = CustomerEvent | AgentEvent;

// To the screen.

export interface Welcome {
  type: "welcome";
  agent: Actor;
  epoch: string;
  presence: Presence;
  capacity: Partial<Record<WorkClass, Capacity>>;
  contacts: HeldContact[];
  offers: OfferCard[];
  feeds: Record<string, number>;
  now: Instant;
}

export interface Profile {
  type: "profile";
  reason: "accepted" | "routed" | "opened" | "resync" | "merged";
  ref: string | null;
  offer: Id | null;
  contact: ProfileContact | null;
  customer: Customer;
  conversations: Conversation[];
  timeline: Entry[];
  more: boolean;
  feed: string;
  seq: number;
}

export interface EventFrame { type: "event"; feed: string; seq: number; event: FeedEvent }
export interface ResultFrame {
  type: "result";
  ref: string | null;
  entry?: Id | null;
  timeline?: Entry[] | null;
  more?: boolean | null;
}

export type ErrorCode =
  | "bad_frame" | "unknown_frame" | "hello_first" | "hello_twice" | "rate_limited" | "forbidden"
  | "not_found" | "gone" | "not_holder" | "contacts_live" | "wrong_state" | "opted_out"
  | "no_handle" | "unavailable";

export interface ErrorFrame {
  type: "error";
  code: ErrorCode;
  message: string;
  ref?: string | null;
  field?: string | null;
}

export type OfferFrame = { type: "offer" } & OfferCard;
export type OfferUpdatedFrame = { type: "offer_updated"; offer: Id; preview: string; messages: number };
export type OfferEndedFrame = { type: "offer_ended"; offer: Id; outcome: OfferState; reason: string | null };
export type ContactEndedFrame = { type: "contact_ended"; contact: Id; reason: string };

export type ServerFrame =
  | Welcome | Profile | EventFrame | ResultFrame | ErrorFrame
  | OfferFrame | OfferUpdatedFrame | OfferEndedFrame | ContactEndedFrame
  | { type: "resync"; feed: string };

// From the screen.

export interface Reply {
  type: "reply";
  conversation: Id;
  body: string;
  id: Id;
  channel?: Channel;
  account?: string;
  to?: string;
  ref?: string;
}

export type ClientFrame =
  | { type: "hello"; epoch?: string; resume?: Record<string, number>; ref?: string }
  | { type: "presence"; status: PresenceStatus; reason?: string; ref?: string }
  | { type: "accept"; offer: Id; ref?: string }
  | { type: "decline"; offer: Id; reason?: string; ref?: string }
  | { type: "open" | "leave"; customer: Id; ref?: string }
  | { type: "shown" | "seen" | "finish" | "wrap_up"; contact: Id; ref?: string }
  | { type: "timeline"; customer: Id; before?: Id; after?: Id; conversation?: Id; limit?: number; ref?: string }
  | Reply
  | { type: "note"; conversation: Id; body: string; id: Id; ref?: string }
  | { type: "close"; conversation: Id; ref?: string }
  | { type: "retry"; entry: Id; ref?: string };

export const SUBPROTOCOL = "screen.v1+json";
/** Longest `body` of a reply or note. */
export const MAX_TEXT = 16_000;
/** Most feeds `hello` may resume. */
export const MAX_RESUME = 64;
