import { expect, test } from "vitest";
import type { Card, Conversation, CustomField, Customer, Entry, HandleView, Id, MergeView, Profile, Suggestion, Task, Welcome } from "../src/client/protocol";
import { applyAgentEvent, dueBefore, fromWelcome } from "../src/state/agent";
import { applyCustomerEvent, becomes, byDue, fromSnapshot, withNewer, withNewest, withOlder, withPageAround, type OpenProfile } from "../src/state/profile";
import { instantOf, localOf } from "../src/parts/DueField";
import { named, whomOf } from "../src/state/people";
import type { PreviewSide } from "../src/state/identity";
import { fieldsOf, originWords, valueOf, valueWords } from "../src/view/fields";
import { joinedRows, matchWords, outcomeOf, previewWords, ruleWords } from "../src/view/identity";
import { rowsOf } from "../src/view/rows";
import { byTopic } from "../src/view/topics";

const T = (minute: number): string => new Date(Date.UTC(2026, 0, 5, 9, minute)).toISOString();
const MAREK = { id: "marek", name: "Marek Nowak" };

const entry = (id: string, minute: number, more: Partial<Entry> = {}): Entry => ({
  id, kind: "message", channel: "sms", direction: "in", body: id, at: T(minute), status: null, conversation: "k",
  author: null, handle: "+1555", account: "delivery", media: [], occurred_at: null, error: null, content: [], in_reply_to: null, reactions: [], edited_at: null, unsent_at: null, ...more,
});
const customer = (id: Id, more: Partial<Customer> = {}): Customer => ({
  id, name: id, handles: [], company: null, location: null, language: null, time_zone: null, plan: null, tags: [], created_at: T(0), contacts_30_days: 0,
  first_contact_at: null, last_contact_at: null, birth_date: null, external_id: null, preferred_channels: [], refused_channels: [], segments: [], addresses: [],
  fields: [], open_tasks: 0, topics: [], placeholder: false, provenance: {}, ...more,
});
const frame = (id: Id, timeline: Entry[], more: Partial<Profile> = {}): Profile => ({
  type: "profile", reason: "opened", ref: null, offer: null, contact: null, customer: customer(id), candidates: [], conversations: [], timeline, more: true, details: [],
  relationships: [], pins: [], tasks: [], suggestions: [], merges: [], cards: [], feed: `customer:${id}`, seq: 1, ...more,
});
const shown = (id: Id, timeline: Entry[], more: Partial<Profile> = {}): OpenProfile => fromSnapshot(frame(id, timeline, more), undefined);
const merge = (leaf: Id, survivor: Id): MergeView => ({ id: `${leaf}>${survivor}`, survivor, leaf, leaf_name: leaf, rule: "by_hand", at: T(1), by: MAREK });
const task = (id: Id, more: Partial<Task> = {}): Task => ({
  id, customer: "u", customer_name: null, conversation: null, body: id, due_at: null, agent: MAREK, queue: null, state: "open", revision: 1, at: T(0), by: MAREK, ended_at: null, ended_by: null, ...more,
});
const conversation = (id: string, minute: number, topic?: string): Conversation => ({
  id, status: "open", opened_at: T(minute), closed_at: null, needs_attention: false, contacts: [], topics: topic ? [{ id: topic, path: ["Delivery", topic] }] : [],
});
const ids = (open: OpenProfile): Id[] => open.timeline.map((each) => each.id);

test("who writes on a shared handle is nobody yet, under the id of the feed", () => {
  const open = shown("p", [entry("e1", 1)], { customer: null, candidates: [{ customer: "a", name: "A", company: null, why: "wrote before", last_at: null }] });
  expect(open).toMatchObject({ id: "p", customer: null });
  expect(open.candidates).toHaveLength(1);
});

test("events that concern a customer nobody knows change what is known of the conversation only", () => {
  const contact = { id: "c", conversation: "k", channel: "sms", work_class: "messaging", state: "waiting", agent: null, arrived_at: T(1), due_at: null } as const;
  const open = applyCustomerEvent(shown("p", [], { customer: null }), { kind: "contact", contact });
  expect(open.customer).toBeNull();
  expect(open.conversations[0]?.contacts).toHaveLength(1);
  const still = applyCustomerEvent(open, { kind: "customer", customer: customer("p", { placeholder: true }) });
  expect(still.customer).toBeNull();
  expect(applyCustomerEvent(still, { kind: "customer", customer: customer("p") }).customer?.id).toBe("p");
});

test("each section takes the new value whole", () => {
  let open = shown("u", [], { conversations: [conversation("k", 1)], cards: [{ source: "shop", state: "waiting" } as Card, { source: "bank", state: "fresh" } as Card] });
  open = applyCustomerEvent(open, { kind: "details", details: [{ id: "d", body: "Latex", at: T(1), by: null, revision: 1 }] });
  open = applyCustomerEvent(open, { kind: "topics", conversation: "k", topics: [{ id: "t", path: ["Delivery"] }] });
  open = applyCustomerEvent(open, { kind: "suggestions", suggestions: [{ id: "s" } as Suggestion] });
  open = applyCustomerEvent(open, { kind: "card", card: { source: "shop", state: "fresh" } as Card });
  expect(open.details).toHaveLength(1);
  expect(open.conversations[0]?.topics).toHaveLength(1);
  expect(open.suggestions).toHaveLength(1);
  expect(open.cards.map((card) => [card.source, card.state])).toEqual([["shop", "fresh"], ["bank", "fresh"]]);
});

test("what was promised is shown as it was told last, also when the conversation changes", () => {
  const sla = [{ measure: "first_response", policy: "gold", due_at: T(9), warn_at: null, met_at: null, warned_at: null, breached_at: null }] as const;
  let open = shown("u", [], { conversations: [conversation("k", 1)] });
  open = applyCustomerEvent(open, { kind: "sla", conversation: "k", sla: [...sla] });
  open = applyCustomerEvent(open, { kind: "conversation", conversation: "k", status: "open", opened_at: T(1), closed_at: null, needs_attention: true });
  expect(open.conversations[0]?.sla).toEqual(sla);
});

test("a conversation that changes keeps its topics", () => {
  const open = shown("u", [], { conversations: [conversation("k", 1, "late")] });
  const closed = applyCustomerEvent(open, { kind: "conversation", conversation: "k", status: "closed", opened_at: T(1), closed_at: T(2), needs_attention: false });
  expect(closed.conversations).toMatchObject([{ status: "closed", topics: [{ id: "late" }] }]);
});

test("tasks stand in the order they are due, what has ended after them, and are counted", () => {
  let open = shown("u", [], { tasks: [task("late", { due_at: T(9) }), task("never")] });
  open = applyCustomerEvent(open, { kind: "task", task: task("soon", { due_at: T(2) }) });
  open = applyCustomerEvent(open, { kind: "task", task: task("late", { due_at: T(9), state: "done", ended_at: T(3) }) });
  expect(open.tasks.map((each) => each.id)).toEqual(["soon", "never", "late"]);
  expect(open.customer?.open_tasks).toBe(2);
  expect([task("b", { due_at: T(5) }), task("a", { due_at: T(4) })].sort(byDue)[0]?.id).toBe("a");
});

test("a profile after a merge is taken whole, its pages do not join those before", () => {
  const before = shown("u", [entry("e1", 1), entry("e3", 3)]);
  const after = frame("u", [entry("e2", 2), entry("e3", 3)], { reason: "merged" });
  expect(ids(fromSnapshot(after, before))).toEqual(["e2", "e3"]);
  expect(ids(fromSnapshot({ ...after, timeline: [entry("e3", 3), entry("e4", 4)], reason: "resync" }, before))).toEqual(["e1", "e3", "e4"]);
});

test("the profile shown becomes the one it was merged into, whatever its id", () => {
  const open = shown("loser", [], { conversations: [conversation("k", 1)] });
  expect(becomes(open, frame("winner", [], { reason: "merged", merges: [merge("loser", "winner")] }))).toBe(true);
  expect(becomes(open, frame("winner", [], { reason: "merged", conversations: [conversation("k", 1)] }))).toBe(true);
  expect(becomes(open, frame("stranger", [], { reason: "merged", merges: [merge("other", "stranger")] }))).toBe(false);
  expect(becomes(open, frame("loser", [], { reason: "unmerged" }))).toBe(true);
});

test("after a jump far back new entries wait, and follow once the end is reached", () => {
  let open = withPageAround(shown("u", [entry("e9", 9)]), [entry("e1", 1), entry("e2", 2)], true);
  open = applyCustomerEvent(open, { kind: "entry", entry: entry("e10", 10) });
  expect(ids(open)).toEqual(["e1", "e2"]);
  expect(open.arrived).toHaveLength(1);
  open = withNewer(open, [entry("e2", 2), entry("e3", 3)], true);
  expect(ids(open)).toEqual(["e1", "e2", "e3"]);
  open = withNewer(open, [entry("e9", 9)], false);
  expect(ids(open)).toEqual(["e1", "e2", "e3", "e9", "e10"]);
  expect(open).toMatchObject({ newer: false, arrived: [] });
});

test("going to the newest leaves the far page and loses nothing that came", () => {
  const far = withPageAround(shown("u", []), [entry("e1", 1)], true);
  const came = applyCustomerEvent(far, { kind: "entry", entry: entry("e10", 10) });
  expect(ids(withNewest(came, [entry("e9", 9), entry("e10", 10)], true))).toEqual(["e9", "e10"]);
  expect(ids(withNewest(came, [entry("e9", 9)], true))).toEqual(["e9", "e10"]);
});

test("a receipt of an entry out of view changes nothing, an older page of a far one joins it", () => {
  const far = withPageAround(shown("u", []), [entry("e2", 2)], true);
  expect(applyCustomerEvent(far, { kind: "receipt", entry: "e9", status: "sent", error: null }).timeline).toEqual(far.timeline);
  expect(ids(withOlder(far, [entry("e1", 1)], false))).toEqual(["e1", "e2"]);
});

test("a resync keeps the far page that is being read", () => {
  const far = withPageAround(shown("u", []), [entry("e1", 1)], true);
  expect(fromSnapshot(frame("u", [entry("e9", 9)], { reason: "resync" }), far)).toMatchObject({ newer: true, timeline: [{ id: "e1" }] });
});

test("the first entry that came in by a merged handle says so, once", () => {
  const handles = [{ value: "+1999", leaf: "leila" }, { value: "+1555", leaf: null }] as HandleView[];
  const open = shown("layla", [entry("e1", 1), entry("e2", 2, { handle: "+1999" }), entry("e3", 3, { handle: "+1999" })], { customer: customer("layla", { handles }), merges: [merge("leila", "layla")] });
  const hints = rowsOf(open, [], null).filter((row) => row.type === "hint");
  expect(hints.map((row) => row.entry.id)).toEqual(["e2"]);
});

test("a long run of one sender is cut, so that not all of it has to be drawn", () => {
  const rows = rowsOf(shown("u", Array.from({ length: 45 }, (_, at) => entry(`e${at}`, at / 10))), [], null);
  expect(rows.filter((row) => row.type === "group").map((row) => row.entries.length)).toEqual([20, 20, 5]);
});

test("conversations stand by topic, the topic with the newest first", () => {
  const groups = byTopic([conversation("a", 1, "late"), conversation("b", 2, "fabric"), conversation("c", 3, "late"), conversation("d", 0)], [{ topic: "late", path: [], contacts: 7 }]);
  expect(groups.map((group) => [group.path.at(-1), group.conversations.map((each) => each.id), group.contacts])).toEqual([
    ["late", ["c", "a"], 7], ["fabric", ["b"], 0], [undefined, ["d"], 0],
  ]);
});

test("a task on the agent's own feed is theirs while it is open and for them", () => {
  const welcome = { agent: MAREK, presence: {}, contacts: [], offers: [], handovers: [], tasks: [task("old", { due_at: T(1) })] } as unknown as Welcome;
  let state = fromWelcome(welcome, null);
  state = applyAgentEvent(state, { kind: "task", task: task("new", { due_at: T(5) }) }, 0);
  expect(dueBefore(state.tasks, Date.parse(T(6))).map((each) => each.id)).toEqual(["old", "new"]);
  expect(dueBefore(state.tasks, Date.parse(T(5)))).toHaveLength(1);
  state = applyAgentEvent(state, { kind: "task", task: task("old", { state: "done" }) }, 0);
  state = applyAgentEvent(state, { kind: "task", task: task("new", { agent: { id: "other", name: "" } }) }, 0);
  expect(state.tasks.size).toBe(0);
});

test.each([
  ["12", "number", 12], ["a dozen", "number", undefined], ["", "text", null], ["  Studio ", "text", "Studio"], ["yes", "yes_no", true], ["no", "yes_no", false],
  ["vip, trade, vip", "tags", ["vip", "trade"]], ["", "channels", []], ["18420.00", "money", "18420.00"],
] as const)("what is typed: %j as %s", (draft, kind, value) => {
  expect(valueOf(draft, kind)).toEqual(value);
});

test("values are written as they are read", () => {
  const words = (kind: Parameters<typeof valueWords>[0]["kind"], value: never, currency: string | null = null) => valueWords({ kind, value, currency });
  expect(words("money", "18420.00" as never, "CAD")).toBe("CA$18,420.00");
  expect(words("date", "2021-03-14" as never)).toBe("14 Mar 2021");
  expect(words("yes_no", false as never)).toBe("No");
  expect(words("channels", ["sms", "email"] as never)).toBe("SMS, E-mail");
  expect(words("tags", [] as never)).toBe("–");
  expect(words("language", "fr" as never)).toBe("French");
});

test("custom fields follow the built-in ones, with their definition", () => {
  const views = fieldsOf(customer("u", { fields: [{ key: "discount", label: "Trade discount", type: "number", choices: [], currency: null, value: 12 }] }));
  expect(views.at(-1)).toMatchObject({ field: "fields.discount", label: "Trade discount", value: 12 });
  expect(views[0]).toMatchObject({ field: "name", value: "u" });
});

test("a value says who it is from", () => {
  const origin = { source: "agent", at: T(1), by: MAREK, account: null, verified: false, revision: 2, beside: ["Leila"] } as const;
  expect(originWords({ ...origin, beside: ["Leila"] })).toMatch(/^Edited by Marek Nowak, .*Merged profiles also say: Leila$/);
  expect(originWords(undefined)).toBe("Came with the first contact");
});

test("a merge says whose value stays and why, the agent's choice included", () => {
  const name = { field: "name", label: "name", survivor: "Layla", loser: "Leila", value: "Layla", rule: "survivor's value stays", choose: true };
  expect(outcomeOf(name, undefined)).toMatchObject({ value: "Layla", side: "survivor", rule: "survivor's value stays" });
  expect(outcomeOf(name, "loser")).toMatchObject({ value: "Leila", side: "loser", rule: "chosen by you" });
  expect(outcomeOf({ ...name, value: "Layla Leila" }, undefined).side).toBeNull();
  expect(ruleWords(merge("a", "b"))).toBe("Merged by hand by Marek Nowak");
});

test("a merge shows a custom field as its definition says: money with its currency", () => {
  const worth: CustomField = { key: "worth", label: "Lifetime value", type: "money", choices: [], currency: "USD", value: null };
  expect(previewWords("fields.worth", "1250.50", [worth])).toBe("$1,250.50");
  expect(previewWords("fields.worth", null, [worth])).toBe("–");
  expect(previewWords("fields.worth", "1250.50")).toBe("1250.50");
});

test("a task is for an agent or a queue, and shown in the zone of who edits it", () => {
  expect(whomOf(task("t"))).toBe("agent:marek");
  expect(named(whomOf(task("t", { agent: null, queue: "billing" })))).toEqual({ queue: "billing" });
  expect(named("agent:marek")).toEqual({ agent: "marek" });
  expect(instantOf(localOf("2026-11-26T17:00:00Z"))).toBe("2026-11-26T17:00:00.000Z");
  expect(localOf(null)).toBe("");
});

test("a merge joins handles, conversations and the agents who work on them", () => {
  const side = (more: Partial<PreviewSide>): PreviewSide => ({ customer: "a", name: "A", handles: [], conversations: 1, open_conversation: null, held_by: [], entries: 3, created_at: T(0), ...more });
  const phone = { kind: "phone", display: "+1 555" } as HandleView;
  const preview = { survivor: side({ handles: [phone], conversations: 11, open_conversation: "k", held_by: [MAREK] }), loser: side({ open_conversation: "j", held_by: [{ id: "me", name: "Inês" }] }), fields: [], refused: null };
  expect(joinedRows(preview, "me").map((row) => [row.label, row.value, row.rule])).toEqual([
    ["Phone", ["+1 555"], "only one side has it"],
    ["Conversations", "11, one open", "the older open one goes on, the other is folded into it"],
    ["Held by", ["Marek Nowak", "you"], "everybody keeps their contacts"],
  ]);
});

test("what speaks for a duplicate is a sentence, the strongest first", () => {
  const match = (field: string, how: string, weight: number) => ({ field, how, weight, ours: "", theirs: "" });
  const matched = [match("name", "written alike", 4), match("company", "same", 2), match("birth_date", "same", 9), match("phone", "different", -3)];
  expect(matchWords(matched)).toBe("the same birth date and company, and the name written alike");
  expect(matchWords([match("claimed phone", "only claimed", 7)])).toBe("the same phone, only claimed");
  expect(matchWords([match("name", "different", -3)])).toBeNull();
});
