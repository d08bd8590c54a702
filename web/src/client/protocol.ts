/** Frames of the screen protocol `screen.v1+json` and items of feeds, as model/wire.py, model/to_screen.py and model/event.py define them. */
import type {
  Candidate, Card, Conversation, ConversationTopic, Customer, CustomerSummary, Detail, EditValue, MergeView, Pin, Relationship, SlaClock, Suggestion, Task,
} from "./customer";

import type { Content } from "./content";

export type * from "./content";
export type * from "./customer";

export type Id = string;
/** An instant, RFC 3339 with an offset. */
export type Instant = string;

export type Channel = "sms" | "voice" | "email" | "chat" | "whatsapp" | "messenger" | "instagram" | "telegram" | "line" | "x" | "viber" | "slack" | "generic";
export type WorkClass = "voice" | "messaging" | "mail" | "voicemail";
export type WrapUpMode = "none" | "optional" | "timed" | "required";
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
/** A picture or file: `url` is the provider's link, `id` ours once it is an attachment. */
export interface Media {
  url: string;
  content_type: string;
  id: Id | null;
  name: string | null;
  size: number | null;
  /** How the HTML of a mail names it: shown inside the text. */
  content_id: string | null;
  state: "pending" | "stored" | "failed" | "refused" | null;
  error: string | null;
}
export interface Reaction { emoji: string; direction: "in" | "out"; at: Instant }

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
  content: Content[];
  in_reply_to: Id | null;
  reactions: Reaction[];
  edited_at: Instant | null;
  unsent_at: Instant | null;
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
  queue: string | null;
  /** While `wrapping` of which kind it is, else what its queue asks for. */
  wrap_up: WrapUpMode | null;
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
  /** Who hands it on, and what they wrote with it. */
  handed_by: string | null;
  note: string | null;
}

/** A colleague is asked to take over what another holds. */
export interface HandoverCard extends Omit<OfferCard, "offer" | "queue" | "handed_by"> {
  handover: Id;
  customer: Id;
  queue: string | null;
  /** Who holds it, and who is asked. */
  by: Author;
  to: Author;
}
export type HandoverOutcome = "accepted" | "declined" | "timed_out" | "cancelled" | "withdrawn";

// Items of a feed.

export type CustomerEvent =
  | { kind: "entry"; entry: Entry }
  | { kind: "entry_changed"; entry: Entry }
  | { kind: "window"; handle: string; account: string; closes_at: Instant }
  | { kind: "receipt"; entry: Id; status: DeliveryStatus; error: string | null }
  | { kind: "contact"; contact: ProfileContact }
  | ({ kind: "conversation"; conversation: Id } & Omit<Conversation, "id" | "contacts" | "topics" | "sla">)
  | { kind: "consent"; handle: string; account: string; opted_out: boolean }
  | { kind: "customer"; customer: Customer }
  | { kind: "details"; details: Detail[] }
  | { kind: "relationships"; relationships: Relationship[]; pins: Pin[] }
  | { kind: "topics"; conversation: Id; topics: ConversationTopic[] }
  | { kind: "task"; task: Task }
  | { kind: "sla"; conversation: Id; sla: SlaClock[] }
  | { kind: "suggestions"; suggestions: Suggestion[] }
  | { kind: "card"; card: Card }
  | { kind: "merged" | "unmerged"; merge: MergeView };

export type AgentEvent =
  | ({ kind: "offer"; customer: Id } & OfferCard)
  | { kind: "offer_updated"; offer: Id; preview: string; messages: number }
  | { kind: "offer_ended"; offer: Id; contact: Id; outcome: OfferState; reason: string | null }
  | ({ kind: "handover" } & HandoverCard)
  | { kind: "handover_updated"; handover: Id; preview: string; messages: number }
  | { kind: "handover_ended"; handover: Id; contact: Id; outcome: HandoverOutcome; reason: string | null }
  | { kind: "presence"; presence: Presence }
  | { kind: "held"; held: HeldContact; routed: boolean }
  | { kind: "contact_ended"; contact: Id; reason: string }
  | { kind: "task"; task: Task }
  | { kind: "task_due"; task: Task; routed: boolean }
  | ({ kind: "sla_alert" } & SlaAlert);

/** A contact this agent holds is due soon, or was due and not done. */
export interface SlaAlert {
  contact: Id;
  conversation: Id;
  customer: Id;
  customer_name: string | null;
  measure: SlaClock["measure"];
  what: "warning" | "breach";
  due_at: Instant;
}

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
  /** The agent's own open tasks, those due first first. */
  tasks: Task[];
  /** What this agent is asked to take over, and what of theirs they have asked others to. */
  handovers: HandoverCard[];
}

export interface Profile {
  type: "profile";
  reason: "accepted" | "routed" | "opened" | "resync" | "merged" | "unmerged";
  ref: string | null;
  offer: Id | null;
  contact: ProfileContact | null;
  /** Null while nobody knows who writes on a shared handle; `candidates` says who it may be. */
  customer: Customer | null;
  candidates: Candidate[];
  conversations: Conversation[];
  timeline: Entry[];
  more: boolean;
  details: Detail[];
  relationships: Relationship[];
  pins: Pin[];
  tasks: Task[];
  suggestions: Suggestion[];
  merges: MergeView[];
  cards: Card[];
  feed: string;
  seq: number;
}

/** Somebody is writing: an agent, or, without one, the customer. It holds for some seconds, and may be missing. */
export interface TypingFrame {
  type: "typing";
  customer: Id;
  conversation: Id | null;
  channel: Channel | null;
  agent: Id | null;
  note: boolean;
}

export interface EventFrame { type: "event"; feed: string; seq: number; event: FeedEvent }
export interface ResultFrame {
  type: "result";
  ref: string | null;
  entry?: Id | null;
  timeline?: Entry[] | null;
  more?: boolean | null;
  customers?: CustomerSummary[] | null;
}

export type ErrorCode =
  | "bad_frame" | "unknown_frame" | "hello_first" | "hello_twice" | "rate_limited" | "forbidden"
  | "not_found" | "gone" | "not_holder" | "contacts_live" | "wrong_state" | "opted_out"
  | "no_handle" | "conflict" | "taken" | "invalid" | "unavailable"
  | "window_closed" | "templates_only" | "no_templates" | "no_subject" | "no_quote" | "too_long" | "too_many_files"
  | "file_too_large" | "file_type" | "nothing_waiting";

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

export type HandoverFrame = { type: "handover" } & HandoverCard;
export type HandoverUpdatedFrame = { type: "handover_updated"; handover: Id; preview: string; messages: number };
export type HandoverEndedFrame = { type: "handover_ended"; handover: Id; outcome: HandoverOutcome; reason: string | null };

export type ServerFrame =
  | Welcome | Profile | EventFrame | ResultFrame | ErrorFrame
  | OfferFrame | OfferUpdatedFrame | OfferEndedFrame | ContactEndedFrame | HandoverFrame | HandoverUpdatedFrame | HandoverEndedFrame
  | TypingFrame
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
  in_reply_to?: Id;
  attachments?: Id[];
  template?: { name: string; language: string; parameters: string[] };
  subject?: string;
  ref?: string;
}

export type CallAction =
  | "hold" | "unhold" | "pause_recording" | "resume_recording" | "hang_up" | "cancel_transfer" | "listen" | "coach" | "join" | "leave";
/** Whom something is handed to: exactly one of these. */
export interface Target { agent?: Id; queue?: string; number?: string }

/** What a reply on a channel may be. */
export interface ReplyLimits {
  most_characters: number;
  most_files: number;
  most_file_bytes: number;
  /** Empty takes every type; `image/*` all of a kind. */
  file_types: string[];
  window_seconds: number | null;
  templates: boolean;
  subject: boolean;
}
export interface Account { id: string; channel: Channel; provider: string; address: string; limits: ReplyLimits | null }

export type ClientFrame =
  | { type: "hello"; epoch?: string; resume?: Record<string, number>; ref?: string }
  | { type: "presence"; status: PresenceStatus; reason?: string; ref?: string }
  | { type: "accept"; offer: Id; ref?: string }
  | { type: "decline"; offer: Id; reason?: string; ref?: string }
  | { type: "open" | "leave"; customer: Id; ref?: string }
  | { type: "next"; queue?: string; ref?: string }
  | { type: "active"; ref?: string }
  | { type: "shown" | "seen"; contact: Id; ref?: string }
  | { type: "finish"; contact: Id; disposition?: string; note?: string; wrap_up?: boolean; ref?: string }
  | { type: "wrap_up"; contact: Id; disposition?: string; note?: string; ref?: string }
  | { type: "timeline"; customer: Id; before?: Id; after?: Id; conversation?: Id; limit?: number; ref?: string }
  | Reply
  | { type: "note"; conversation: Id; body: string; id: Id; ref?: string }
  | { type: "typing"; conversation: Id; channel?: Channel; to?: string; note?: boolean; ref?: string }
  | { type: "close"; conversation: Id; ref?: string }
  | { type: "retry"; entry: Id; ref?: string }
  | { type: "edit"; customer: Id; field: string; value: EditValue; revision: number; ref?: string }
  | { type: "detail"; customer: Id; body: string; id: Id; ref?: string }
  | { type: "topics"; conversation: Id; topics: Id[]; ref?: string }
  | { type: "identify"; conversation: Id; customer?: Id; name?: string; ref?: string }
  | {
    type: "task"; customer: Id; body: string; id: Id; due_at?: Instant; agent?: Id; queue?: string; conversation?: Id; ref?: string;
  }
  | { type: "end_task"; task: Id; state?: "done" | "cancelled"; ref?: string }
  | { type: "recent"; ref?: string }
  | { type: "call"; contact: Id; action: CallAction; ref?: string }
  | { type: "dial"; customer: Id; to: string; id: Id; account?: string; ref?: string }
  | { type: "transfer"; contact: Id; to: Target; warm?: boolean; note?: string; ref?: string }
  | { type: "accept_handover" | "cancel_handover"; handover: Id; ref?: string }
  | { type: "decline_handover"; handover: Id; reason?: string; ref?: string };

export const SUBPROTOCOL = "screen.v1+json";
/** Longest `body` of a reply or note. */
export const MAX_TEXT = 16_000;
/** Longest `body` of a task. */
export const MAX_TASK = 2_000;
/** Most feeds `hello` may resume. */
export const MAX_RESUME = 64;
