import { expect, test } from "vitest";
import type { AgentEvent, Conversation, Entry, HeldContact, OfferCard, Profile, ProfileContact, Welcome } from "../src/client/protocol";
import { applyAgentEvent, endOffer, fromWelcome, groupHeld, ring, usedSlots } from "../src/state/agent";
import { applyCustomerEvent, fromSnapshot, replyConversation, withOlder, type OpenProfile } from "../src/state/profile";
import { routes } from "../src/state/route";
import { displayHandle } from "../src/client/handle";
import { lineWords, sortedTags } from "../src/view/format";
import { fileProblem, secondsOpen, windowWords } from "../src/view/limits";
import { rowsOf } from "../src/view/rows";

const T = (minute: number): string => new Date(Date.UTC(2026, 0, 5, 9, minute)).toISOString();
const NOW = Date.parse(T(0));

const entry = (id: string, minute: number, more: Partial<Entry> = {}): Entry => ({
  id, kind: "message", channel: "sms", direction: "in", body: id, at: T(minute), status: null, conversation: "k",
  author: null, handle: "+1555", account: "delivery", media: [], occurred_at: null, error: null, content: [], in_reply_to: null, reactions: [], edited_at: null, unsent_at: null, ...more,
});
const card = (offer: string, more: Partial<OfferCard> = {}): OfferCard => ({
  offer, contact: `c-${offer}`, customer_name: null, handle: "+1555", channel: "sms", account: "a", queue: "q", preview: "p",
  messages: 1, waiting_since: T(0), offered_at: T(0), expires_at: T(1), handed_by: null, note: null, ...more,
});
const held = (contact: string, more: Partial<HeldContact> = {}): HeldContact => ({
  contact, state: "assigned", conversation: "k", customer: "u", customer_name: null, handle: "+1555", channel: "sms",
  work_class: "messaging", preview: "", preview_direction: "in", unread: 0, at: T(0), due_at: null, queue: "q", wrap_up: "none", ...more,
});
const conversation = (id: string, minute: number, more: Partial<Conversation> = {}): Conversation => ({
  id, status: "open", opened_at: T(minute), closed_at: null, needs_attention: false, contacts: [], topics: [], ...more,
});
const welcome = (more: Partial<Welcome> = {}): Welcome => ({
  type: "welcome", agent: { id: "me", name: "Me", role: "agent" }, epoch: "e", feeds: {}, now: T(0), offers: [], contacts: [], tasks: [], handovers: [],
  presence: { status: "available", reason: null, connected: true, since: T(0) }, capacity: {}, ...more,
});
const profile = (timeline: Entry[], more: Partial<OpenProfile> = {}): OpenProfile => ({
  id: "u", customer: { id: "u" } as OpenProfile["customer"], candidates: [], conversations: [], timeline, more: false, newer: false, arrived: [],
  details: [], relationships: [], pins: [], tasks: [], suggestions: [], merges: [], cards: [], contact: null, ...more,
});
const empty = fromWelcome(welcome(), null);

test("an offer rings once, whether it comes as a frame, an event or both", () => {
  const once = ring(empty, card("o"), NOW);
  expect(applyAgentEvent(once, { kind: "offer", customer: "u", ...card("o") }, NOW)).toBe(once);
});

test("an offer replayed after it ran out does not ring", () => {
  expect(ring(empty, card("o"), Date.parse(T(2)))).toBe(empty);
});

test("what is written meanwhile is seen by who is asked, and changes nothing where nobody is", () => {
  const asked = applyAgentEvent(empty, { kind: "handover", handover: "h", preview: "one", messages: 1 } as AgentEvent, NOW);
  const written = { kind: "handover_updated", handover: "h", preview: "two", messages: 2 } as const;
  expect(applyAgentEvent(asked, written, NOW).handovers.get("h")).toMatchObject({ preview: "two", messages: 2 });
  expect(applyAgentEvent(empty, written, NOW)).toBe(empty);
});

test("an answered offer leaves at once, one that ended otherwise says how", () => {
  const state = ring(empty, card("o"), NOW);
  expect(endOffer(state, "o", "accepted", null).offers.size).toBe(0);
  expect(endOffer(state, "o", "rescinded", "closed").offers.get("o")).toMatchObject({ phase: "ended", ending: "The conversation was closed" });
  expect(endOffer(state, "o", "rescinded", "vanished").offers.get("o")?.ending).toBe("No longer waiting");
  expect(endOffer(state, "o", "timed_out", null).offers.get("o")?.ending).toBe("Time ran out");
});

test("an ended offer stays ended when the same news comes twice", () => {
  const ended = endOffer(ring(empty, card("o"), NOW), "o", "rescinded", "closed");
  expect(applyAgentEvent(ended, { kind: "offer_ended", offer: "o", contact: "c", outcome: "rescinded", reason: "closed" }, NOW)).toBe(ended);
});

test("a welcome keeps an accept that is on its way", () => {
  const opening = applyAgentEvent(empty, { kind: "offer", customer: "u", ...card("o") }, NOW);
  const asked = { ...opening, offers: new Map([["o", { ...opening.offers.get("o")!, phase: "opening" as const }]]) };
  expect(fromWelcome(welcome({ offers: [card("o")] }), asked).offers.get("o")?.phase).toBe("opening");
});

test("slots count what is held and ringing, parked contacts hold none", () => {
  let state = fromWelcome(welcome({ contacts: [held("a"), held("b", { state: "wrapping" }), held("c", { state: "parked" })] }), null);
  state = ring(state, card("o", { channel: "voice" }), NOW);
  const slots = { voice: { used: 0, slots: 1 }, messaging: { used: 0, slots: 4 } };
  expect(usedSlots(slots, state)).toEqual([{ work: "voice", used: 1, slots: 1 }, { work: "messaging", used: 2, slots: 4 }]);
});

test("who waits for an answer comes first, newest first", () => {
  const all = [held("a"), held("b", { unread: 1 }), held("c", { state: "parked" }), held("d", { unread: 1, at: T(5) })];
  const groups = groupHeld(new Map(all.map((each) => [each.contact, each])));
  expect(groups.attention.map((each) => each.contact)).toEqual(["d", "b"]);
  expect(groups.open.map((each) => each.contact)).toEqual(["a"]);
  expect(groups.parked.map((each) => each.contact)).toEqual(["c"]);
});

test("an entry that comes twice stands once", () => {
  const once = applyCustomerEvent(profile([]), { kind: "entry", entry: entry("e1", 1) });
  const twice = applyCustomerEvent(once, { kind: "entry", entry: entry("e1", 1, { status: "sent" }) });
  expect(twice.timeline).toHaveLength(1);
  expect(twice.timeline[0]?.status).toBe("sent");
});

test("a contact changes in its conversation, and brings one that is not known", () => {
  const contact = { id: "c", conversation: "k", channel: "sms", work_class: "messaging", state: "waiting", agent: null, arrived_at: T(1), due_at: null } as const;
  const first = applyCustomerEvent(profile([]), { kind: "contact", contact });
  const later = applyCustomerEvent(first, { kind: "contact", contact: { ...contact, state: "assigned" } });
  expect(later.conversations).toHaveLength(1);
  expect(later.conversations[0]?.contacts).toMatchObject([{ state: "assigned" }]);
});

test("a fresh snapshot keeps the older pages that join it", () => {
  const open = profile([entry("e1", 1), entry("e2", 2), entry("e3", 3)], { more: true });
  const frame = { feed: "customer:u", customer: { id: "u" }, conversations: [], timeline: [entry("e3", 3), entry("e4", 4)], more: true, contact: null } as unknown as Profile;
  expect(fromSnapshot(frame, open).timeline.map((each) => each.id)).toEqual(["e1", "e2", "e3", "e4"]);
});

test("an older page never doubles what is there", () => {
  const open = withOlder(profile([entry("e2", 2)]), [entry("e1", 1), entry("e2", 2)], false);
  expect(open.timeline.map((each) => each.id)).toEqual(["e1", "e2"]);
});

test("a reply joins the conversation that is not closed", () => {
  expect(replyConversation([conversation("new", 9, { status: "closed" }), conversation("old", 1)])?.id).toBe("old");
});

test("the reply goes where the customer wrote last", () => {
  const handles = [{ kind: "email", value: "a@b.example", display: "a@b.example", main: true, opted_out: [], windows: [] }] as never[];
  const found = routes([entry("e1", 1, { channel: "whatsapp" }), entry("e2", 2)], handles);
  expect(found.map((each) => each.channel)).toEqual(["sms", "whatsapp", "email"]);
  expect(found[0]).toMatchObject({ to: "+1555", account: "delivery", why: "they wrote last by SMS" });
});

test("a handle that opted out of the account cannot be written to by it", () => {
  const handles = [{ kind: "phone", value: "+1555", display: "+1 555", main: true, opted_out: ["delivery"], windows: [] }] as never[];
  expect(routes([entry("e1", 1)], handles)[0]?.blocked).toBe("+1 555 opted out of delivery");
});

test("messages of one sender share a group until someone else speaks or time passes", () => {
  const rows = rowsOf(profile([entry("e1", 1), entry("e2", 2), entry("e3", 3, { direction: "out" }), entry("e4", 4), entry("e5", 40)]), [], null);
  expect(rows.filter((row) => row.type === "group").map((row) => row.entries.length)).toEqual([2, 1, 1, 1]);
});

test("the start of a conversation is marked only where it is known to be the start", () => {
  const timeline = [entry("e1", 1), entry("e2", 2, { conversation: "k2" })];
  const conversations = [conversation("k", 0), conversation("k2", 2)];
  const starts = (more: boolean) => rowsOf(profile(timeline, { conversations, more }), [], null).filter((row) => row.type === "start").map((row) => row.conversation.id);
  expect(starts(true)).toEqual(["k2"]);
  expect(starts(false)).toEqual(["k", "k2"]);
});

test("a parked contact leaves with its queue and comes back when it is assigned", () => {
  const parked = applyAgentEvent(empty, { kind: "held", held: held("c", { state: "parked" }), routed: false }, NOW);
  const queued = applyAgentEvent(parked, { kind: "held", held: held("c", { state: "queued" }), routed: false }, NOW);
  expect([parked.held.size, queued.held.size]).toEqual([1, 0]);
  const again = applyAgentEvent(queued, { kind: "held", held: held("c", { unread: 1 }), routed: true }, NOW);
  expect(groupHeld(again.held).attention.map((each) => each.contact)).toEqual(["c"]);
});

const contact = (id: string, minute: number): ProfileContact => ({
  id, conversation: "k", channel: "sms", work_class: "messaging", state: "waiting", agent: null, arrived_at: T(minute), due_at: null,
});

test("a contact not known before is counted once, and is the last one", () => {
  const customer = { id: "u", contacts_30_days: 2, first_contact_at: T(0), last_contact_at: T(1) } as OpenProfile["customer"];
  const once = applyCustomerEvent(profile([], { customer }), { kind: "contact", contact: contact("c", 3) });
  const twice = applyCustomerEvent(once, { kind: "contact", contact: { ...contact("c", 3), state: "assigned" } });
  for (const each of [once, twice]) {
    expect(each.customer).toMatchObject({ contacts_30_days: 3, first_contact_at: T(0), last_contact_at: T(3) });
  }
});

test("opting out closes the way to the handle, opting in opens it", () => {
  const handles = [{ kind: "phone", value: "+1555", display: "+1 555", main: true, opted_out: [] as string[], windows: [] }];
  const open = profile([entry("e1", 1)], { customer: { id: "u", handles } as unknown as OpenProfile["customer"] });
  const out = applyCustomerEvent(open, { kind: "consent", handle: "+1555", account: "delivery", opted_out: true });
  expect(routes(out.timeline, out.customer!.handles)[0]?.blocked).toBe("+1 555 opted out of delivery");
  const back = applyCustomerEvent(out, { kind: "consent", handle: "+1555", account: "delivery", opted_out: false });
  expect(routes(back.timeline, back.customer!.handles)[0]?.blocked).toBeNull();
});

test("a step of the work says who took it", () => {
  const step = (body: string, id: string | null) => lineWords(entry("s", 1, { kind: "status", body, author: id ? { id, name: "Marek Nowak" } : null }), "me");
  expect(step("accepted", "me")).toBe("You took this contact");
  expect(step("finished", "other")).toBe("Marek Nowak finished this contact");
  expect(step("closed", null)).toBe("Conversation closed");
  expect(step("something_new", "other")).toBe("something new");
});

test("numbers and tags are written as a profile writes them", () => {
  expect(displayHandle("+14155550123")).toBe("+1 415-555-0123");
  expect(displayHandle("+4915112345678")).toBe("+4915112345678");
  expect(displayHandle("nobody+ana=b=home.example@unproven.invalid")).toBe("ana=b@home.example");
  expect(displayHandle("nobody+0f3a@unproven.invalid")).toBe("Unproven sender");
  expect(displayHandle("+266696687")).toBe("Number withheld");
  expect(sortedTags(["trade", "vip"]).map((each) => each.word)).toEqual(["VIP", "Trade"]);
});

test("a reply is told the time its channel leaves it", () => {
  const limits = { most_characters: 4096, most_files: 1, most_file_bytes: 1000, file_types: ["image/*"], window_seconds: 86_400, templates: true, subject: false };
  const handles = [{ kind: "phone", value: "+1555", display: "+1 555", main: true, opted_out: [], windows: [{ account: "delivery", closes_at: T(60) }] }] as never[];
  const route = routes([entry("e1", 1, { channel: "whatsapp" })], handles)[0]!;
  const at = (minutes: number) => Date.parse(T(minutes));
  expect(secondsOpen(route, limits, at(30))).toBe(1800);
  expect(windowWords(route, limits, 1800)).toBe("WhatsApp takes your own words for another 30 min");
  expect(secondsOpen(route, limits, at(61))).toBeLessThan(0);
  expect(windowWords(route, limits, -60)).toContain("only a template");
  expect(fileProblem({ content_type: "image/png", size: 1001 }, limits, "WhatsApp")).toContain("up to");
  expect(fileProblem({ content_type: "text/html", size: 1 }, limits, "WhatsApp")).toContain("of this kind");
  expect(fileProblem({ content_type: "image/png", size: 1 }, limits, "WhatsApp")).toBeNull();
});
