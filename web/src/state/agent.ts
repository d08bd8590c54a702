/** The agent's own state: presence, held contacts, ringing offers. Pure. */
import type {
  AgentEvent, Capacity, Channel, ContactState, HandoverCard, HandoverOutcome, HeldContact, Id, OfferCard, OfferState, Presence, Task, Welcome, WorkClass,
} from "../client/protocol";

/** A card leaves this long after its offer ended. */
export const ENDED_FOR_MS = 4_000;

/** A contact in any other state waits for whoever takes it; it is nobody's line. */
const HOLDS: ReadonlySet<ContactState> = new Set(["assigned", "wrapping", "parked"]);

export type Phase = "ringing" | "opening" | "declining" | "ended";

export interface Ring extends OfferCard {
  phase: Phase;
  /** What to say while `ended`. */
  ending: string | null;
}

export interface AgentState {
  me: Id;
  presence: Presence;
  held: ReadonlyMap<Id, HeldContact>;
  offers: ReadonlyMap<Id, Ring>;
  /** What this agent is asked to take over, and what they ask of others. */
  handovers: ReadonlyMap<Id, HandoverCard>;
  /** Open tasks of this agent. */
  tasks: ReadonlyMap<Id, Task>;
}

export function fromWelcome(welcome: Welcome, before: AgentState | null): AgentState {
  const offers = new Map<Id, Ring>();
  for (const card of welcome.offers) {
    offers.set(card.offer, { ...card, phase: before?.offers.get(card.offer)?.phase ?? "ringing", ending: null });
  }
  return {
    me: welcome.agent.id,
    presence: welcome.presence,
    held: new Map(welcome.contacts.map((held) => [held.contact, held])),
    offers,
    handovers: new Map(welcome.handovers.map((card) => [card.handover, card])),
    tasks: new Map(welcome.tasks.map((task) => [task.id, task])),
  };
}

export function applyAgentEvent(state: AgentState, event: AgentEvent, serverNow: number): AgentState {
  switch (event.kind) {
    case "offer":
      return ring(state, event, serverNow);
    case "offer_updated":
      return changeOffer(state, event.offer, { preview: event.preview, messages: event.messages });
    case "offer_ended":
      return endOffer(state, event.offer, event.outcome, event.reason);
    case "handover":
      return { ...state, handovers: new Map(state.handovers).set(event.handover, event) };
    case "handover_updated":
      return changeHandover(state, event.handover, { preview: event.preview, messages: event.messages });
    case "handover_ended":
      return { ...state, handovers: without(state.handovers, event.handover) };
    case "presence":
      return { ...state, presence: event.presence };
    case "held":
      return { ...state, held: HOLDS.has(event.held.state) ? new Map(state.held).set(event.held.contact, event.held) : without(state.held, event.held.contact) };
    case "contact_ended":
      return { ...state, held: without(state.held, event.contact) };
    case "task": {
      const ours = event.task.state === "open" && event.task.agent?.id === state.me;
      return { ...state, tasks: ours ? new Map(state.tasks).set(event.task.id, event.task) : without(state.tasks, event.task.id) };
    }
    default:
      return state;
  }
}

export function ring(state: AgentState, card: OfferCard, serverNow: number): AgentState {
  if (state.offers.has(card.offer) || Date.parse(card.expires_at) <= serverNow) return state;
  return { ...state, offers: new Map(state.offers).set(card.offer, { ...card, phase: "ringing", ending: null }) };
}

export function changeOffer(state: AgentState, id: Id, change: Partial<Ring>): AgentState {
  const offer = state.offers.get(id);
  if (!offer || offer.phase === "ended") return state;
  return { ...state, offers: new Map(state.offers).set(id, { ...offer, ...change }) };
}

export function changeHandover(state: AgentState, id: Id, change: Partial<HandoverCard>): AgentState {
  const card = state.handovers.get(id);
  return card ? { ...state, handovers: new Map(state.handovers).set(id, { ...card, ...change }) } : state;
}

/** An offer this agent answered leaves at once; one that ended without them says so first. */
export function endOffer(state: AgentState, id: Id, outcome: OfferState, reason: string | null): AgentState {
  if (outcome === "accepted" || outcome === "declined") return removeOffer(state, id);
  return changeOffer(state, id, { phase: "ended", ending: endingWords(outcome, reason) });
}

export function removeOffer(state: AgentState, id: Id): AgentState {
  return { ...state, offers: without(state.offers, id) };
}

export function endingWords(outcome: OfferState, reason: string | null): string {
  if (outcome === "timed_out") return "Time ran out";
  return reason === "closed" ? "The conversation was closed" : "No longer waiting";
}

/** What who asked is told of the end; null where they know, or nothing is left to say. */
export function handoverWords(card: HandoverCard, outcome: HandoverOutcome, reason: string | null): string | null {
  const name = card.to.name;
  if (outcome === "declined") return `${name} declined${reason ? ` (${reason})` : ""}. It stays yours.`;
  if (outcome === "timed_out") return `${name} did not answer. It stays yours.`;
  if (outcome === "accepted") return `${name} has taken it over.`;
  return outcome === "withdrawn" && reason !== "ended" && reason !== "moved" ? `${name} is not there any more. It stays yours.` : null;
}

/** Oldest first: `A` answers the first, `Shift A` the second. */
export function ringing(offers: ReadonlyMap<Id, Ring>): Ring[] {
  return [...offers.values()].sort((a, b) => Date.parse(a.offered_at) - Date.parse(b.offered_at));
}

export function workClassOf(channel: Channel): WorkClass {
  if (channel === "voice") return "voice";
  return channel === "email" ? "mail" : "messaging";
}

/** Slots in use are counted from what the screen shows; parked contacts hold none. */
export function usedSlots(
  capacity: Partial<Record<WorkClass, Capacity>>, state: AgentState,
): { work: WorkClass; used: number; slots: number }[] {
  const used: Record<WorkClass, number> = { voice: 0, messaging: 0, mail: 0, voicemail: 0 };
  for (const held of state.held.values()) if (held.state !== "parked") used[held.work_class] += 1;
  for (const offer of state.offers.values()) if (offer.phase !== "ended") used[workClassOf(offer.channel)] += 1;
  const classes: WorkClass[] = ["voice", "messaging", "mail", "voicemail"];
  return classes.flatMap((work) => {
    const slots = capacity[work]?.slots;
    return slots ? [{ work, used: used[work], slots }] : [];
  });
}

export interface Groups { attention: HeldContact[]; open: HeldContact[]; parked: HeldContact[] }

export function groupHeld(held: ReadonlyMap<Id, HeldContact>): Groups {
  const groups: Groups = { attention: [], open: [], parked: [] };
  const newestFirst = [...held.values()].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  for (const each of newestFirst) {
    if (each.unread > 0) groups.attention.push(each);
    else if (each.state === "parked") groups.parked.push(each);
    else groups.open.push(each);
  }
  return groups;
}

/** Tasks due before an instant, overdue ones too, those due first first. */
export function dueBefore(tasks: ReadonlyMap<Id, Task>, end: number): (Task & { due_at: string })[] {
  const due = [...tasks.values()].flatMap((task) => (task.due_at !== null && Date.parse(task.due_at) < end ? [{ ...task, due_at: task.due_at }] : []));
  return due.sort((a, b) => Date.parse(a.due_at) - Date.parse(b.due_at));
}

function without<V>(map: ReadonlyMap<Id, V>, id: Id): ReadonlyMap<Id, V> {
  if (!map.has(id)) return map;
  const rest = new Map(map);
  rest.delete(id);
  return rest;
}
