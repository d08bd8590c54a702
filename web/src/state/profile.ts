/** One customer on the screen: a snapshot with the events of its feed applied. Pure. */
import type {
  Candidate, Card, Conversation, Customer, CustomerEvent, DeliveryStatus, Detail, Entry, Id, MergeView, Pin, Profile, ProfileContact,
  Relationship, Suggestion, Task,
} from "../client/protocol";

/** Entries that came while the end of the timeline is not loaded are kept up to here; a page brings the rest. */
const MOST_ARRIVED = 200;

export interface OpenProfile {
  /** The customer whose feed this follows. */
  id: Id;
  /** Null while nobody knows who it is. */
  customer: Customer | null;
  candidates: Candidate[];
  conversations: Conversation[];
  /** Oldest first, without a hole; not always up to the newest. */
  timeline: Entry[];
  /** Older entries exist on the server. */
  more: boolean;
  /** The timeline ends before the newest entry: a jump led far back. */
  newer: boolean;
  /** Entries that came while `newer`, to be shown once the end is reached. */
  arrived: Entry[];
  details: Detail[];
  relationships: Relationship[];
  pins: Pin[];
  tasks: Task[];
  suggestions: Suggestion[];
  merges: MergeView[];
  cards: Card[];
  /** The contact the profile came for. */
  contact: Id | null;
}

export const idOf = (frame: Profile): Id => frame.feed.slice("customer:".length);

/** Take a snapshot; pages already loaded stay where they join it. */
export function fromSnapshot(frame: Profile, before: OpenProfile | undefined): OpenProfile {
  const { customer, candidates, conversations, timeline, more, details, relationships, pins, tasks, suggestions, merges, cards } = frame;
  const fresh: OpenProfile = {
    id: idOf(frame), customer, candidates, conversations, timeline, more, newer: false, arrived: [],
    details, relationships, pins, tasks, suggestions, merges, cards,
    contact: frame.contact?.id ?? before?.contact ?? null,
  };
  // After a merge other entries stand between those known.
  if (!before || before.id !== fresh.id || frame.reason === "merged" || frame.reason === "unmerged") return fresh;
  if (before.newer) return { ...fresh, timeline: before.timeline, more: before.more, newer: true };
  const oldest = timeline[0];
  const joint = oldest ? before.timeline.findIndex((entry) => entry.id === oldest.id) : -1;
  if (joint <= 0) return fresh;
  return { ...fresh, timeline: [...before.timeline.slice(0, joint), ...timeline], more: before.more };
}

/** The profile shown is part of the one that came: it was merged into it, or is what it was split from. */
export function becomes(shown: OpenProfile, frame: Profile): boolean {
  if (shown.id === idOf(frame)) return true;
  if (frame.merges.some((merge) => merge.leaf === shown.id)) return true;
  const theirs = new Set(frame.conversations.map((each) => each.id));
  return frame.reason === "merged" && shown.conversations.some((each) => theirs.has(each.id));
}

export function withOlder(profile: OpenProfile, entries: Entry[], more: boolean): OpenProfile {
  const known = new Set(profile.timeline.map((entry) => entry.id));
  const older = entries.filter((entry) => !known.has(entry.id));
  return { ...profile, timeline: [...older, ...profile.timeline], more };
}

/** A page after the last entry. Where it is the end, what came meanwhile follows it. */
export function withNewer(profile: OpenProfile, entries: Entry[], more: boolean): OpenProfile {
  const known = new Set(profile.timeline.map((entry) => entry.id));
  const timeline = [...profile.timeline, ...entries.filter((entry) => !known.has(entry.id))];
  if (more) return { ...profile, timeline };
  return { ...profile, timeline: profile.arrived.reduce(withEntry, timeline), newer: false, arrived: [] };
}

/** A page from far away takes the place of what is shown. */
export function withPageAround(profile: OpenProfile, entries: Entry[], newer: boolean): OpenProfile {
  return { ...profile, timeline: entries, more: true, newer, arrived: [] };
}

export function withNewest(profile: OpenProfile, entries: Entry[], more: boolean): OpenProfile {
  return { ...profile, timeline: profile.arrived.reduce(withEntry, entries), more, newer: false, arrived: [] };
}

export function withConversations(profile: OpenProfile, older: Conversation[]): OpenProfile {
  const known = new Set(profile.conversations.map((each) => each.id));
  return { ...profile, conversations: [...profile.conversations, ...older.filter((each) => !known.has(each.id))] };
}

export function applyCustomerEvent(profile: OpenProfile, event: CustomerEvent): OpenProfile {
  switch (event.kind) {
    case "entry": return withArrival(profile, event.entry);
    case "entry_changed": return { ...profile, timeline: changed(profile.timeline, event.entry), arrived: changed(profile.arrived, event.entry) };
    case "window":
      return { ...profile, customer: profile.customer && withWindow(profile.customer, event.handle, event.account, event.closes_at) };
    case "receipt":
      return { ...profile, timeline: withReceipt(profile.timeline, event.entry, event.status, event.error) };
    case "contact":
      return {
        ...profile,
        customer: profile.customer && withApproach(profile.customer, profile.conversations, event.contact),
        conversations: withContact(profile.conversations, event.contact),
      };
    case "conversation": {
      const { kind: _, conversation: id, ...rest } = event;
      return { ...profile, conversations: withConversation(profile.conversations, { id, ...rest }) };
    }
    case "consent":
      return { ...profile, customer: profile.customer && withConsent(profile.customer, event.handle, event.account, event.opted_out) };
    case "customer": return { ...profile, customer: event.customer.placeholder ? null : event.customer };
    case "details": return { ...profile, details: event.details };
    case "relationships": return { ...profile, relationships: event.relationships, pins: event.pins };
    case "topics":
      return {
        ...profile,
        conversations: profile.conversations.map((each) => (each.id === event.conversation ? { ...each, topics: event.topics } : each)),
      };
    case "sla":
      return {
        ...profile,
        conversations: profile.conversations.map((each) => (each.id === event.conversation ? { ...each, sla: event.sla } : each)),
      };
    case "task": return withTask(profile, event.task);
    case "suggestions": return { ...profile, suggestions: event.suggestions };
    case "card": return { ...profile, cards: withCard(profile.cards, event.card) };
    // The server sends the profile anew.
    case "merged":
    case "unmerged":
    default:
      return profile;
  }
}

function withArrival(profile: OpenProfile, entry: Entry): OpenProfile {
  const known = profile.timeline.some((each) => each.id === entry.id);
  if (!profile.newer || known) return { ...profile, timeline: withEntry(profile.timeline, entry) };
  return { ...profile, arrived: withEntry(profile.arrived, entry).slice(-MOST_ARRIVED) };
}

/** Open ones first, those due first before them; then what has ended, the latest first. */
export function byDue(a: Task, b: Task): number {
  const open = Number(b.state === "open") - Number(a.state === "open");
  if (open) return open;
  if (a.state !== "open") return Date.parse(b.ended_at ?? b.at) - Date.parse(a.ended_at ?? a.at);
  return due(a) - due(b) || Date.parse(a.at) - Date.parse(b.at);
}

const due = (task: Task): number => (task.due_at ? Date.parse(task.due_at) : Number.MAX_SAFE_INTEGER);

function withTask(profile: OpenProfile, task: Task): OpenProfile {
  const tasks = [...profile.tasks.filter((each) => each.id !== task.id), task].sort(byDue);
  const open_tasks = tasks.filter((each) => each.state === "open").length;
  return { ...profile, tasks, customer: profile.customer && { ...profile.customer, open_tasks } };
}

function withCard(cards: Card[], card: Card): Card[] {
  const known = cards.findIndex((each) => each.source === card.source);
  return known < 0 ? [...cards, card] : cards.with(known, card);
}

/** The counts of the header as the server would say them now: a contact not known before is one more. */
function withApproach(customer: Customer, conversations: Conversation[], contact: ProfileContact): Customer {
  const known = conversations.some((each) => each.contacts.some((other) => other.id === contact.id));
  const last = customer.last_contact_at;
  return {
    ...customer,
    contacts_30_days: customer.contacts_30_days + (known ? 0 : 1),
    first_contact_at: customer.first_contact_at ?? contact.arrived_at,
    last_contact_at: last && Date.parse(last) > Date.parse(contact.arrived_at) ? last : contact.arrived_at,
  };
}

function withConsent(customer: Customer, value: string, account: string, optedOut: boolean): Customer {
  const handles = customer.handles.map((handle) => {
    if (handle.value !== value) return handle;
    const others = handle.opted_out.filter((each) => each !== account);
    return { ...handle, opted_out: optedOut ? [...others, account].sort() : others };
  });
  return { ...customer, handles };
}

function withEntry(timeline: Entry[], entry: Entry): Entry[] {
  const known = timeline.findIndex((each) => each.id === entry.id);
  return known < 0 ? [...timeline, entry] : timeline.with(known, entry);
}

function changed(timeline: Entry[], entry: Entry): Entry[] {
  return timeline.map((each) => (each.id === entry.id ? entry : each));
}

function withWindow(customer: Customer, value: string, account: string, closes_at: string): Customer {
  const handles = customer.handles.map((handle) =>
    handle.value === value ? { ...handle, windows: [...handle.windows.filter((each) => each.account !== account), { account, closes_at }] } : handle);
  return { ...customer, handles };
}

function withReceipt(timeline: Entry[], id: Id, status: DeliveryStatus, error: string | null): Entry[] {
  return timeline.map((entry) => (entry.id === id ? { ...entry, status, error } : entry));
}

function withContact(conversations: Conversation[], contact: ProfileContact): Conversation[] {
  if (!conversations.some((each) => each.id === contact.conversation)) {
    conversations = withConversation(conversations, {
      id: contact.conversation,
      status: "new",
      opened_at: contact.arrived_at,
      closed_at: null,
      needs_attention: false,
    });
  }
  return conversations.map((each) =>
    each.id === contact.conversation
      ? { ...each, contacts: [...each.contacts.filter((other) => other.id !== contact.id), contact] }
      : each,
  );
}

function withConversation(conversations: Conversation[], changed: Omit<Conversation, "contacts" | "topics" | "sla">): Conversation[] {
  const known = conversations.find((each) => each.id === changed.id);
  const others = conversations.filter((each) => each.id !== changed.id);
  return [...others, { ...changed, contacts: known?.contacts ?? [], topics: known?.topics ?? [], sla: known?.sla ?? [] }];
}

/** The conversation a reply joins: the one not closed, else the newest. */
export function replyConversation(conversations: Conversation[]): Conversation | undefined {
  const newestFirst = byNewest(conversations);
  return newestFirst.find((each) => each.status !== "closed") ?? newestFirst[0];
}

export function byNewest(conversations: Conversation[]): Conversation[] {
  return conversations.toSorted((a, b) => Date.parse(b.opened_at) - Date.parse(a.opened_at));
}
