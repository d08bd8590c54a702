/** Handles, customers and conversations as profiles show them, as model/customer.py defines them. */
import type { Author, Channel, ConversationStatus, Entry, Id, Instant, ProfileContact } from "./protocol";

export type HandleKind = "phone" | "email" | "social";
export type Source = "channel" | "agent" | "service" | "import" | "rule";
export type FieldType = "text" | "number" | "money" | "date" | "choice" | "yes_no" | "link";
/** A custom value: money as a decimal text, a date as RFC 3339, a link as its address. */
export type FieldValue = string | number | boolean;
/** What an edit may set; null removes the value. */
export type EditValue = FieldValue | string[] | null;

export interface Provenance {
  source: Source;
  at: Instant;
  by: Author | null;
  account: string | null;
  verified: boolean;
  revision: number;
  /** What the other merged profiles say instead. */
  beside: string[];
}

export interface HandleView {
  id: Id;
  kind: HandleKind;
  scope: string;
  value: string;
  display: string;
  label: string | null;
  main: boolean;
  shared: boolean;
  /** Proven by its channel; otherwise only told. */
  verified: boolean;
  textable: boolean;
  opted_out: string[];
  source: string;
  added_at: Instant;
  /** Until when it may be answered freely, where a channel limits that. */
  windows: { account: string; closes_at: Instant }[];
  /** The merged profile it belongs to; null for the profile's own. */
  leaf: Id | null;
}

export interface AddressValues {
  label: string | null;
  street: string | null;
  city: string | null;
  postal_code: string | null;
  region: string | null;
  country: string | null;
  main: boolean;
}

export interface Address extends AddressValues { id: Id; revision: number; at: Instant; by: Author | null }

export interface CustomField {
  key: string;
  label: string;
  type: FieldType;
  choices: string[];
  currency: string | null;
  value: FieldValue | null;
}

export interface TopicCount { topic: Id; path: string[]; contacts: number }

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
  birth_date: string | null;
  external_id: string | null;
  preferred_channels: Channel[];
  refused_channels: Channel[];
  segments: string[];
  addresses: Address[];
  fields: CustomField[];
  open_tasks: number;
  topics: TopicCount[];
  placeholder: boolean;
  /** By field name, custom ones as `fields.<key>`. */
  provenance: Record<string, Provenance>;
}

export interface CustomerSummary {
  id: Id;
  name: string | null;
  company: string | null;
  plan: string | null;
  tags: string[];
  handles: string[];
  matched?: "name" | "handle" | "company" | "tag" | "field" | "message" | null;
  excerpt?: string | null;
}

export interface Topic { id: Id; parent: Id | null; name: string; path: string[]; archived: boolean }
export interface ConversationTopic { id: Id; path: string[] }

export interface Conversation {
  id: Id;
  status: ConversationStatus;
  opened_at: Instant;
  closed_at: Instant | null;
  needs_attention: boolean;
  contacts: ProfileContact[];
  topics: ConversationTopic[];
  sla?: SlaClock[];
}

/** One measure of a conversation: `due_at` and `warn_at` stand while it runs. */
export interface SlaClock {
  measure: "first_response" | "resolution";
  policy: string;
  due_at: Instant | null;
  warn_at: Instant | null;
  met_at: Instant | null;
  warned_at: Instant | null;
  breached_at: Instant | null;
}

export interface Detail { id: Id; body: string; at: Instant; by: Author | null; revision: number }

/** `label` is what the other is to this one. */
export interface Relationship {
  id: Id;
  type: string;
  label: string;
  customer: Id;
  name: string | null;
  at: Instant;
  by: Author | null;
}

export interface Pin { id: Id; entry: Entry; customer: Id; name: string | null; at: Instant; by: Author | null }

export type TaskState = "open" | "done" | "cancelled";

export interface Task {
  id: Id;
  customer: Id;
  customer_name: string | null;
  conversation: Id | null;
  body: string;
  due_at: Instant | null;
  agent: Author | null;
  queue: string | null;
  state: TaskState;
  revision: number;
  at: Instant;
  by: Author | null;
  ended_at: Instant | null;
  ended_by: Author | null;
}

export interface MatchedField { field: string; ours: string; theirs: string; how: string; weight: number }
export interface Suggestion { id: Id; customer: Id; name: string | null; score: number; matched: MatchedField[]; at: Instant }

/** `leaf` came in and can leave again. */
export interface MergeView {
  id: Id;
  survivor: Id;
  leaf: Id;
  leaf_name: string | null;
  rule: string;
  at: Instant;
  by: Author | null;
}

export interface CardLine {
  title: string;
  text: string | null;
  status: string | null;
  tone: "good" | "warn" | "bad" | null;
  amount: string | null;
  link: string | null;
  at: Instant | null;
}

export interface Card {
  source: string;
  title: string;
  state: "waiting" | "fresh" | "stale" | "failed";
  lines: CardLine[];
  /** Lines that are not shown. */
  more: number;
  fetched_at: Instant | null;
  problem: string | null;
}

/** Who may be writing on a shared handle. */
export interface Candidate { customer: Id; name: string | null; company: string | null; why: string; last_at: Instant | null }
