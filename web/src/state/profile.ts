/** One customer on the screen: a snapshot with the events of its feed applied. Pure. */
import type {
  Conversation, Customer, CustomerEvent, DeliveryStatus, Entry, Id, Profile, ProfileContact,
} from "../client/protocol";

export interface OpenProfile {
  customer: Customer;
  conversations: Conversation[];
  /** Oldest first. */
  timeline: Entry[];
  /** Older entries exist on the server. */
  more: boolean;
  /** The contact the profile came for. */
  contact: Id | null;
}

/** Take a snapshot; pages already loaded stay where they join it. */
export function fromSnapshot(frame: Profile, before: OpenProfile | undefined): OpenProfile {
  const fresh: OpenProfile = {
    customer: frame.customer,
    conversations: frame.conversations,
    timeline: frame.timeline,
    more: frame.more,
    contact: frame.contact?.id ?? before?.contact ?? null,
  };
  const oldest = frame.timeline[0];
  if (!before || !oldest || before.customer.id !== frame.customer.id) return fresh;
  const joint = before.timeline.findIndex((entry) => entry.id === oldest.id);
  if (joint <= 0) return fresh;
  return { ...fresh, timeline: [...before.timeline.slice(0, joint), ...frame.timeline], more: before.more };
}

export function withOlder(profile: OpenProfile, entries: Entry[], more: boolean): OpenProfile {
  const known = new Set(profile.timeline.map((entry) => entry.id));
  const older = entries.filter((entry) => !known.has(entry.id));
  return { ...profile, timeline: [...older, ...profile.timeline], more };
}

export function applyCustomerEvent(profile: OpenProfile, event: CustomerEvent): OpenProfile {
  switch (event.kind) {
    case "entry":
      return { ...profile, timeline: withEntry(profile.timeline, event.entry) };
    case "receipt":
      return { ...profile, timeline: withReceipt(profile.timeline, event.entry, event.status, event.error) };
    case "contact":
      return {
        ...profile,
        customer: withApproach(profile, event.contact),
        conversations: withContact(profile.conversations, event.contact),
      };
    case "conversation": {
      const { kind: _, conversation: id, ...rest } = event;
      return { ...profile, conversations: withConversation(profile.conversations, { id, ...rest }) };
    }
    case "consent":
      return { ...profile, customer: withConsent(profile.customer, event.handle, event.account, event.opted_out) };
    default:
      return profile;
  }
}

/** The counts of the header as the server would say them now: a contact not known before is one more. */
function withApproach({ customer, conversations }: OpenProfile, contact: ProfileContact): Customer {
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

function withConversation(conversations: Conversation[], changed: Omit<Conversation, "contacts">): Conversation[] {
  const known = conversations.find((each) => each.id === changed.id);
  const others = conversations.filter((each) => each.id !== changed.id);
  return [...others, { ...changed, contacts: known?.contacts ?? [] }];
}

/** The conversation a reply joins: the one not closed, else the newest. */
export function replyConversation(conversations: Conversation[]): Conversation | undefined {
  const newestFirst = byNewest(conversations);
  return newestFirst.find((each) => each.status !== "closed") ?? newestFirst[0];
}

export function byNewest(conversations: Conversation[]): Conversation[] {
  return conversations.toSorted((a, b) => Date.parse(b.opened_at) - Date.parse(a.opened_at));
}
