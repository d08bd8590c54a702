/** The one connection of this page: frames in are applied to the store, frames out are asked here. */
import { batch } from "@preact/signals";
import { Connection, type Link } from "../client/connection";
import { fetchTicket } from "../client/api";
import { FeedBook, type Step } from "../client/feeds";
import type { AgentEvent, ClientFrame, CustomerEvent, ErrorFrame, EventFrame, HandoverEndedFrame, HeldContact, Id, Profile, ServerFrame, Task, Welcome } from "../client/protocol";
import { Refused, Requests, type Answer } from "../client/requests";
import { applyAgentEvent, changeHandover, changeOffer, endOffer, fromWelcome, handoverWords, ring, type AgentState } from "./agent";
import { announce } from "./announce";
import { draftOf, dropDrafts, setDraft } from "./drafts";
import { frameOf, outbox, settle, setRefusal, take } from "./outbox";
import { applyCustomerEvent, fromSnapshot, idOf, type OpenProfile } from "./profile";
import { heardTyping, wrote } from "./typists";
import { alertWords } from "../view/sla";
import { agent, capacity, clock, connectedAt, current, link, mine, notice, now, opening, owner, profiles, signInProblem, token } from "./store";

/** No event for this long after `welcome`: what was missed has arrived. */
const QUIET_MS = 250;
/** A lost customer feed gets its snapshot from the server; after this long it is asked for. */
const RESYNC_MS = 2_000;
/** Pauses before a frame refused for now is sent again: they double, up to the longest. */
const AGAIN_MS = 1_000;
const AGAIN_MOST_MS = 16_000;

/** What the rest of the desk does when something arrives that changes what is shown. */
export interface Arrivals {
  profile(frame: Profile): void;
  held(held: HeldContact, routed: boolean): void;
  left(contact: Id): void;
  /** A task of theirs is due; `routed`: its queue gave it to them now. */
  due(task: Task, routed: boolean): void;
  entry(customer: Id, event: CustomerEvent): void;
  welcomed(): void;
}

const book = new FeedBook();
const requests = new Requests();
const awaited = new Set<string>();
let arrivals: Arrivals;
let firstTicket: string | null = null;
let quiet: ReturnType<typeof setTimeout> | undefined;

const connection = new Connection({
  ticket: async () => {
    const ready = firstTicket;
    firstTicket = null;
    return ready ?? fetchTicket(token.value ?? "");
  },
  hello: () => ({ type: "hello", ...book.resume() }),
  frame: (frame) => batch(() => {
    // Countdowns begin at the moment their frame came, not at the last tick.
    now.value = Date.now();
    receive(frame);
  }),
  link: changeLink,
});

export function begin(on: Arrivals, ticket: string | null): void {
  arrivals = on;
  firstTicket = ticket;
  connection.start();
}

export function end(): void {
  clearTimeout(quiet);
  connection.stop();
  requests.lose();
  book.clear();
  awaited.clear();
}

export const reconnect = (): void => connection.retry();
const send = (frame: ClientFrame): boolean => connection.send(frame);
export const ask = (frame: ClientFrame): Promise<Answer> => requests.ask(frame, send);

/** Refused for now only: the same frame, with the same id, is right a moment later. */
function isPassing(error: unknown): boolean {
  return error instanceof Refused && (error.frame.code === "rate_limited" || error.frame.code === "unavailable");
}

/** Forget what this tab keeps for the agent: their drafts and replies are never another's. */
export function dropKept(): void {
  dropDrafts();
  outbox.value = [];
  owner.value = null;
}

/** Say what the agent did not ask for. Above the rate it is said again; any other refusal concerns nobody. */
export function insist(frame: ClientFrame, pause = AGAIN_MS): void {
  ask(frame).catch((error: unknown) => {
    if (isPassing(error) && pause < AGAIN_MOST_MS) setTimeout(() => insist(frame, pause * 2), pause);
  });
}

export function stopFollowing(customer: Id): void {
  // Never said again: the customer may be open once more by then.
  ask({ type: "leave", customer }).catch(() => undefined);
  forget(customer);
}

export function forget(customer: Id): void {
  book.forget(feedOf(customer));
  awaited.delete(feedOf(customer));
  const rest = new Map(profiles.value);
  rest.delete(customer);
  profiles.value = rest;
}

const feedOf = (customer: Id): string => `customer:${customer}`;
const customerOf = (feed: string): Id => feed.slice("customer:".length);

function changeLink(next: Link): void {
  if (next.state !== "open") {
    clearTimeout(quiet);
    requests.lose();
  }
  if (next.state === "signed_out") {
    signInProblem.value = next.why;
    token.value = null;
    return;
  }
  const before = link.value;
  const since = before.state === "offline" || before.state === "refused" ? before.since : Date.now();
  if (next.state === "connecting") link.value = { state: "connecting" };
  if (next.state === "offline") link.value = { state: "offline", since, nextTryAt: next.nextTryAt };
  if (next.state === "refused") link.value = { state: "refused", since, why: next.why };
  // "open" becomes live or catching with `welcome`, which carries the state to show.
}

function receive(frame: ServerFrame): void {
  switch (frame.type) {
    case "welcome": welcome(frame); break;
    case "profile": snapshot(frame); break;
    case "event": event(frame); break;
    case "offer": change((state) => ring(state, frame, clock.now(Date.now()))); break;
    case "offer_updated":
      change((state) => changeOffer(state, frame.offer, { preview: frame.preview, messages: frame.messages }));
      break;
    case "offer_ended": change((state) => endOffer(state, frame.offer, frame.outcome, frame.reason)); break;
    case "handover": change((state) => applyAgentEvent(state, { kind: "handover", ...frame }, 0)); break;
    case "handover_updated":
      change((state) => changeHandover(state, frame.handover, { preview: frame.preview, messages: frame.messages }));
      break;
    case "handover_ended": handoverEnded(frame); break;
    case "contact_ended":
      change((state) => applyAgentEvent(state, { kind: "contact_ended", contact: frame.contact, reason: frame.reason }, 0));
      arrivals.left(frame.contact);
      break;
    case "resync":
      if (frame.feed.startsWith("customer:")) expect(frame.feed);
      break;
    case "error":
      if (!frame.ref) unasked(frame);
      break;
    case "typing": heardTyping(frame); break;
    case "result": break;
  }
  requests.settle(frame);
}

/** Who asked hears what came of it: by the frame or the event of the feed, whichever is first. */
function handoverEnded(ended: Omit<HandoverEndedFrame, "type">): void {
  const card = mine.value?.handovers.get(ended.handover);
  if (!card) return;
  const words = card.by.id === mine.value?.me ? handoverWords(card, ended.outcome, ended.reason) : null;
  change((state) => applyAgentEvent(state, { kind: "handover_ended", contact: card.contact, ...ended }, 0));
  if (words) notice.value = { text: words, bad: false };
}

/** An error nobody asked for; a customer the server follows no longer is not kept as if it were live. */
function unasked(frame: ErrorFrame): void {
  const feed = frame.field?.replace(/^resume\./, "");
  if (!feed?.startsWith("customer:")) {
    notice.value = { text: frame.message, bad: true };
  } else if (customerOf(feed) === current.value) reopen(feed);
  else forget(customerOf(feed));
}

export function change(step: (state: AgentState) => AgentState): void {
  if (mine.value) mine.value = step(mine.value);
}

function welcome(frame: Welcome): void {
  const wasOffline = link.value.state === "offline" ? link.value.since : null;
  const resumed = book.epoch !== undefined;
  clock.set(frame.now, Date.now());
  if (owner.value !== null && owner.value !== frame.agent.id) dropKept();
  owner.value = frame.agent.id;
  agent.value = frame.agent;
  capacity.value = frame.capacity;
  mine.value = fromWelcome(frame, mine.value);
  connectedAt.value = Date.now();
  for (const feed of book.welcome(frame.epoch, frame.feeds)) expect(feed);
  link.value = resumed ? { state: "catching", count: 0, since: wasOffline } : { state: "live" };
  if (resumed) settleSoon();
  else announce("Live");
  for (const pending of outbox.value) deliver(pending.id);
  arrivals.welcomed();
}

function settleSoon(): void {
  clearTimeout(quiet);
  quiet = setTimeout(() => {
    if (link.value.state !== "catching") return;
    link.value = { state: "live" };
    announce("Live");
  }, QUIET_MS);
}

/** A snapshot of this feed should come by itself; ask for it when it does not. */
function expect(feed: string): void {
  if (awaited.has(feed)) return;
  awaited.add(feed);
  setTimeout(() => awaited.delete(feed) && reopen(feed), RESYNC_MS);
}

function reopen(feed: string): void {
  if (awaited.has(feed)) return;
  awaited.add(feed);
  const answered = (): unknown => awaited.delete(feed);
  ask({ type: "open", customer: customerOf(feed) }).then(answered, answered);
}

function snapshot(frame: Profile): void {
  awaited.delete(frame.feed);
  const { after, behind } = book.snapshot(frame.feed, frame.seq);
  let open = fromSnapshot(frame, profiles.value.get(idOf(frame)));
  for (const each of after) open = applyCustomerEvent(open, each.event as CustomerEvent);
  setProfile(open);
  settle(open.timeline);
  arrivals.profile(frame);
  if (behind) reopen(frame.feed);
}

export function setProfile(open: OpenProfile): void {
  profiles.value = new Map(profiles.value).set(open.id, open);
}

function event(frame: EventFrame): void {
  const step: Step = book.receive(frame);
  if (link.value.state === "catching" && step !== "old") {
    link.value = { ...link.value, count: link.value.count + 1 };
    settleSoon();
  }
  const ofCustomer = frame.feed.startsWith("customer:");
  if (step === "gap") return ofCustomer ? reopen(frame.feed) : connection.restart();
  if (step !== "apply") return;
  if (ofCustomer) customerEvent(customerOf(frame.feed), frame.event as CustomerEvent);
  else agentEvent(frame.event as AgentEvent);
}

function agentEvent(event: AgentEvent): void {
  if (event.kind === "handover_ended") return handoverEnded(event);
  change((state) => applyAgentEvent(state, event, clock.now(Date.now())));
  if (event.kind === "held") arrivals.held(event.held, event.routed);
  if (event.kind === "contact_ended") arrivals.left(event.contact);
  if (event.kind === "task_due") arrivals.due(event.task, event.routed);
  if (event.kind === "sla_alert") notice.value = { text: alertWords(event), bad: event.what === "breach" };
}

function customerEvent(customer: Id, event: CustomerEvent): void {
  const open = profiles.value.get(customer);
  if (!open) return;
  if (event.kind === "entry") {
    settle([event.entry]);
    wrote(customer, event.entry);
  }
  setProfile(applyCustomerEvent(open, event));
  if (customer === current.value) arrivals.entry(customer, event);
}

/** Send a pending reply, for the first time or again: its id makes both the same. */
export function deliver(id: Id, pause = AGAIN_MS): void {
  const pending = outbox.value.find((each) => each.id === id);
  if (!pending) return;
  ask(frameOf(pending)).then(
    // Where nobody follows the customer, no entry will come to replace it.
    () => { if (!profiles.value.has(pending.customer) && opening.value?.customer !== pending.customer) take(id); },
    (error: unknown) => {
      if (isPassing(error)) return later(id, pause);
      if (!(error instanceof Refused) || !take(id)) return;
      const { customer, mode, body: text } = pending;
      setRefusal(customer, { message: error.message, text, mode });
      if (!draftOf(customer, mode)) setDraft(customer, mode, text);
      announce(`Not sent. ${error.message}`, "assertive");
    },
  );
}

/** A text refused for now keeps its place and its id: had it been recorded after all, it is not recorded twice. */
function later(id: Id, pause: number): void {
  setTimeout(() => {
    // After a break `welcome` has sent it again; twice is harmless.
    if (link.value.state === "live" || link.value.state === "catching") deliver(id, Math.min(pause * 2, AGAIN_MOST_MS));
  }, pause);
}
