/** What the agent does at the desk. */
import { batch, computed, effect, signal } from "@preact/signals";
import type { HandoverCard, HeldContact, Id, PresenceStatus, Profile } from "../client/protocol";
import { Lost, Refused } from "../client/requests";
import { awayReasons } from "./definitions";
import { moveDrafts } from "./drafts";
import { movePending } from "./outbox";
import { ENDED_FOR_MS, changeOffer, removeOffer, type Ring } from "./agent";
import { announce } from "./announce";
import { mode } from "./compose";
import { afterPaint } from "./paint";
import { becomes, idOf, replyConversation, type OpenProfile } from "./profile";
import { atNewest, current, focusNext, heldHere, lastShown, marked, mine, notice, opening, profile, profiles, reachable, recent } from "./store";
import { ask, change, forget, insist, stopFollowing, type Arrivals } from "./wire";

/** A routed profile follows its contact at once; after this long it is asked for. */
const ROUTED_MS = 1_000;
/** A parked contact that is to end and whose queue wants to know how. */
export const coding = signal<Id | null>(null);
/** Routed contacts of which `shown` has not been said, with their customer. */
const routed = new Map<Id, Id>();
/** Contacts whose accept was on its way when the connection broke: ours, once they turn out to be held. */
const unsure = new Set<Id>();
/** The change of each held contact that `seen` was said for. */
const seen = new Map<Id, string>();

export const arrivals: Arrivals = {
  profile: arrived,
  held(held, isRouted) {
    if (isRouted) {
      routed.set(held.contact, held.customer);
      setTimeout(() => fetchRouted(held.contact, held.customer), ROUTED_MS);
    } else if (unsure.delete(held.contact)) void open(held.customer, held.customer_name);
  },
  due(task, isRouted) {
    // It opens by itself only where nobody is shown: a task can wait.
    if (isRouted && !current.value && !opening.value) void open(task.customer, task.customer_name);
    notice.value = { text: `${isRouted ? "A task for you" : "A task is due"}: ${task.body}`, bad: false };
  },
  left(contact) {
    routed.delete(contact);
    unmark(contact);
  },
  entry(_, event) {
    if (event.kind !== "entry" || event.entry.direction !== "in") return;
    announce(`${profile.value?.customer?.name ?? event.entry.handle ?? "The customer"}: ${event.entry.body}`);
  },
  welcomed,
};

function welcomed(): void {
  seen.clear();
  for (const held of mine.value?.held.values() ?? []) {
    if (unsure.delete(held.contact)) return void open(held.customer, held.customer_name);
  }
  const waiting = opening.value;
  if (waiting) void open(waiting.customer, waiting.name);
}

function arrived(frame: Profile): void {
  const id = idOf(frame);
  if (frame.offer) change((state) => removeOffer(state, frame.offer!));
  switch (frame.reason) {
    case "accepted":
      return show(id, frame.contact?.channel === "voice" ? "name" : "reply");
    case "routed":
      if (frame.contact) routed.set(frame.contact.id, id);
      return appear(id);
    case "opened":
      // A merged customer opens under the id of the one it was merged into.
      if (opening.value && (opening.value.customer === id || opening.value.ref === frame.ref)) return show(id, "reply");
      if (current.value !== id && !isMarked(id)) stopFollowing(id);
      return;
    case "merged":
    case "unmerged":
      return regrouped(frame);
    case "resync":
      return;
  }
}

/** A routed profile opens by itself, but never over a reply being typed. */
function appear(customer: Id): void {
  if (isTyping() && current.value !== customer) mark(customer);
  else show(customer, isTyping() ? null : "reply");
}

function mark(customer: Id): void {
  const added = [...routed].filter(([, of]) => of === customer).map(([contact]) => contact);
  marked.value = new Set([...marked.value, ...added]);
  announce(`${profiles.value.get(customer)?.customer?.name ?? "A customer"} came to you and waits in My Customers`);
  sayShown(customer);
}

function fetchRouted(contact: Id, customer: Id): void {
  const held = mine.value?.held.get(contact);
  if (!routed.has(contact) || !held || opening.value) return;
  if (isTyping()) mark(customer);
  else void open(customer, held.customer_name);
}

function sayShown(customer: Id): void {
  for (const [contact, of] of routed) {
    if (of !== customer) continue;
    routed.delete(contact);
    afterPaint(() => insist({ type: "shown", contact }));
  }
}

function isTyping(): boolean {
  const at = document.activeElement;
  if (at instanceof HTMLTextAreaElement && at.value.trim()) return true;
  return document.querySelector("dialog[open]") !== null;
}

/** Profiles became one, or one became two. What is shown is replaced, though it may now go by another id. */
function regrouped(frame: Profile): void {
  const id = idOf(frame);
  const shown = profile.value;
  announce(frame.reason === "merged" ? "This profile was merged" : "This profile was unmerged");
  if (!shown || shown.id === id) return;
  if (!becomes(shown, frame)) {
    if (!isMarked(id)) stopFollowing(id);
    return;
  }
  moveDrafts(shown.id, id);
  movePending(shown.id, id);
  // Whoever is writing goes on writing, in the same box: a note never becomes a reply.
  if (document.activeElement?.closest(".reply")) focusNext.value = "reply";
  current.value = id;
  lastShown.value = id;
  forget(shown.id);
}

function isMarked(customer: Id): boolean {
  return [...marked.value].some((contact) => mine.value?.held.get(contact)?.customer === customer);
}

function unmark(contact: Id): void {
  if (!marked.value.has(contact)) return;
  const rest = new Set(marked.value);
  rest.delete(contact);
  marked.value = rest;
}

function show(customer: Id, focus: "name" | "reply" | null): void {
  batch(() => {
    const before = current.value;
    if (before !== customer) mode.value = "reply";
    current.value = customer;
    lastShown.value = customer;
    notice.value = null;
    opening.value = null;
    focusNext.value = focus;
    for (const held of mine.value?.held.values() ?? []) if (held.customer === customer) unmark(held.contact);
    if (before && before !== customer) stopFollowing(before);
  });
  remember(profiles.value.get(customer));
  sayShown(customer);
}

function remember(shown: OpenProfile | undefined): void {
  if (!shown?.customer) return;
  const { id, name, company, location, handles } = shown.customer;
  const detail = [company, location].filter(Boolean).join(" · ") || (name && handles[0]?.display) || "";
  const others = recent.value.filter((each) => each.customer !== id);
  recent.value = [{ customer: id, name: name ?? handles[0]?.display ?? null, detail, at: Date.now() }, ...others].slice(0, 6);
}

let asked = 0;

export async function open(customer: Id, name: string | null): Promise<void> {
  if (current.value === customer && profile.value) {
    opening.value = null;
    focusNext.value = "reply";
    return;
  }
  if (profiles.value.has(customer)) return show(customer, "reply");
  const ref = `open ${++asked}`;
  opening.value = { customer, name, problem: null, ref };
  try {
    await ask({ type: "open", customer, ref });
  } catch (error) {
    // A lost request is asked again when the connection is back.
    if (error instanceof Lost || opening.value?.customer !== customer) return;
    opening.value = { customer, name, problem: words(error) };
  }
}

export function leave(): void {
  opening.value = null;
  const before = current.value;
  current.value = null;
  lastShown.value = null;
  if (before) stopFollowing(before);
}

/** Answers to an offer. The card leaves when the server says so. */
export async function accept(offer: Ring): Promise<void> {
  if (offer.phase !== "ringing" || !reachable.value) return;
  change((state) => changeOffer(state, offer.offer, { phase: "opening" }));
  try {
    await ask({ type: "accept", offer: offer.offer });
  } catch (error) {
    offerFailed(offer, error);
  }
}

export async function decline(offer: Ring, reason?: string): Promise<void> {
  if (offer.phase !== "ringing" || !reachable.value) return;
  change((state) => changeOffer(state, offer.offer, { phase: "declining" }));
  try {
    await ask({ type: "decline", offer: offer.offer, ...(reason && { reason }) });
    change((state) => removeOffer(state, offer.offer));
  } catch (error) {
    offerFailed(offer, error);
  }
}

function offerFailed(offer: Ring, error: unknown): void {
  if (error instanceof Lost) {
    if (mine.value?.offers.get(offer.offer)?.phase === "opening") unsure.add(offer.contact);
    return change((state) => changeOffer(state, offer.offer, { phase: "ringing" }));
  }
  const gone = error instanceof Refused && error.frame.code === "gone";
  if (gone) change((state) => changeOffer(state, offer.offer, { phase: "ended", ending: error.message }));
  else {
    change((state) => changeOffer(state, offer.offer, { phase: "ringing" }));
    report(error);
  }
}

/** Answers to a colleague who asks, and to have asked in vain. The card leaves when the server says so. */
export const takeOver = (card: HandoverCard): Promise<boolean> => attempt(ask({ type: "accept_handover", handover: card.handover }));
export const refuseToTakeOver = (card: HandoverCard, reason?: string): Promise<boolean> =>
  attempt(ask({ type: "decline_handover", handover: card.handover, ...(reason && { reason }) }));
export const keepIt = (card: HandoverCard): Promise<boolean> => attempt(ask({ type: "cancel_handover", handover: card.handover }));

export const choosePresence = (status: PresenceStatus, reason?: string): Promise<boolean> =>
  attempt(ask({ type: "presence", status, ...(reason && { reason }) }));

/** The contact the header's Finish ends: the one the profile came for, else the oldest. */
export function finishable(): Id | null {
  const live = heldHere.value.filter((held) => held.state === "assigned" || held.state === "parked");
  return (live.find((held) => held.contact === profile.value?.contact) ?? live[0])?.contact ?? null;
}

export async function finish(): Promise<void> {
  const contact = finishable();
  const held = contact && mine.value?.held.get(contact);
  if (!held || !reachable.value) return;
  // A parked one has no wrap-up of its own: where a code is required, it goes with the finish.
  if (held.state === "parked" && held.wrap_up === "required") coding.value = contact;
  else await attempt(ask({ type: "finish", contact }));
}

/** Where wrap-up is optional: begin it, or of a call, have it when the call is over. */
export const beginWrapUp = (contact: Id): Promise<boolean> => attempt(ask({ type: "wrap_up", contact }));

export async function wrapUp(held: HeldContact, disposition: string | null, note: string): Promise<boolean> {
  const said = { ...(disposition && { disposition }), ...(note && { note }) };
  const done = await attempt(ask({ type: held.state === "wrapping" ? "wrap_up" : "finish", contact: held.contact, ...said }));
  if (done && coding.value === held.contact) coding.value = null;
  return done;
}

/** Whether the presence lets the agent take what waits. */
export const canTakeNext = computed(() => {
  const presence = mine.value?.presence;
  if (!presence || !reachable.value) return false;
  return presence.status === "available" || awayReasons.value.some((each) => each.works && presence.status === "away" && each.id === presence.reason);
});

export async function takeNext(): Promise<void> {
  if (canTakeNext.value) await attempt(ask({ type: "next" }));
}

export async function closeConversation(): Promise<void> {
  const conversation = replyConversation(profile.value?.conversations ?? []);
  if (conversation) await attempt(ask({ type: "close", conversation: conversation.id }));
}

export const retry = (entry: Id): Promise<boolean> => attempt(ask({ type: "retry", entry }));

export async function attempt(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    report(error);
    return false;
  }
}

export function report(error: unknown): void {
  notice.value = { text: words(error), bad: true };
  announce(words(error), "assertive");
}

export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Ended offers leave by themselves. */
const leaving = new Set<Id>();
effect(() => {
  for (const offer of mine.value?.offers.values() ?? []) {
    if (offer.phase !== "ended" || leaving.has(offer.offer)) continue;
    leaving.add(offer.offer);
    setTimeout(() => {
      leaving.delete(offer.offer);
      change((state) => removeOffer(state, offer.offer));
    }, ENDED_FOR_MS);
  }
});

/** What stands on a visible screen has been seen. */
export function sayWhatIsSeen(): void {
  if (!reachable.value || !atNewest.value || document.visibilityState !== "visible" || !profile.value) return;
  for (const held of heldHere.value) {
    if (held.unread === 0 || seen.get(held.contact) === held.at) continue;
    seen.set(held.contact, held.at);
    insist({ type: "seen", contact: held.contact });
  }
}
effect(sayWhatIsSeen);
addEventListener("visibilitychange", sayWhatIsSeen);

