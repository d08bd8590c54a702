/** The timeline as rows: days, starts of conversations, messages grouped by sender, hints of a merge. Pure. */
import type { Conversation, Entry, HandleView, Id, MergeView } from "../client/protocol";
import type { Pending } from "../state/outbox";
import type { OpenProfile } from "../state/profile";
import { dayKey } from "./format";

export type Shown = Entry & { pending?: boolean };

export type Row =
  | { type: "day"; key: string; at: string }
  | { type: "start"; key: string; conversation: Conversation }
  | { type: "line"; key: string; entry: Shown }
  | { type: "group"; key: string; entries: Shown[] }
  | { type: "hint"; key: string; merge: MergeView; entry: Shown };

/** Messages of one sender further apart than this get a header of their own. */
const GROUP_MS = 15 * 60_000;
/** A group is drawn as a whole, so it ends somewhere. */
const GROUP_MOST = 20;
const LINES = new Set(["status", "consent", "task"]);

type Told = Pick<OpenProfile, "timeline" | "conversations" | "more" | "merges" | "customer">;

export function rowsOf(told: Told, pending: readonly Pending[], me: { id: Id; name: string } | null): Row[] {
  const rows: Row[] = [];
  const started = new Set<Id>();
  const byId = new Map(told.conversations.map((each) => [each.id, each]));
  const joined = joinedBy(told.merges, told.customer?.handles ?? []);
  const shown: Shown[] = [...told.timeline, ...pending.map((each) => pendingEntry(each, me))];
  let day = "";
  shown.forEach((entry, index) => {
    const today = dayKey(entry.at);
    if (today !== day) rows.push({ type: "day", key: `day ${today}`, at: entry.at });
    day = today;
    const conversation = entry.conversation ? byId.get(entry.conversation) : undefined;
    if (conversation && !started.has(conversation.id)) {
      started.add(conversation.id);
      if (index > 0 || !told.more) rows.push({ type: "start", key: `start ${conversation.id}`, conversation });
    }
    add(rows, entry);
    const merge = entry.direction === "in" && entry.handle ? joined.get(entry.handle) : undefined;
    if (!merge) return;
    rows.push({ type: "hint", key: `hint ${merge.id}`, merge, entry });
    for (const [handle, by] of joined) if (by === merge) joined.delete(handle);
  });
  return rows;
}

/** The handles that came in with a merge. */
function joinedBy(merges: readonly MergeView[], handles: readonly HandleView[]): Map<string, MergeView> {
  const found = new Map<string, MergeView>();
  for (const { leaf, value } of handles) {
    const merge = leaf && merges.find((each) => each.leaf === leaf);
    if (merge) found.set(value, merge);
  }
  return found;
}

export function holds(row: Row, entry: Id): boolean {
  if (row.type === "line") return row.entry.id === entry;
  return row.type === "group" && row.entries.some((each) => each.id === entry);
}

/** How high a row is before it was ever drawn. */
export function guess(row: Row): number {
  switch (row.type) {
    case "day": return 44;
    case "start": return 46;
    case "line": return 28;
    case "hint": return 48;
    case "group": return 34 + row.entries.reduce((sum, entry) => sum + 38 + 21 * Math.floor(entry.body.length / 70), 0);
  }
}

function add(rows: Row[], entry: Shown): void {
  if (LINES.has(entry.kind)) {
    rows.push({ type: "line", key: entry.id, entry });
    return;
  }
  const last = rows.at(-1);
  if (last?.type === "group" && last.entries.length < GROUP_MOST && joins(last.entries.at(-1)!, entry)) last.entries.push(entry);
  else rows.push({ type: "group", key: entry.id, entries: [entry] });
}

function joins(before: Shown, entry: Shown): boolean {
  return (
    before.kind === "message" && entry.kind === "message" &&
    before.channel !== "email" && entry.channel === before.channel &&
    entry.direction === before.direction && entry.author?.id === before.author?.id &&
    (entry.direction === "out" || entry.handle === before.handle) &&
    Date.parse(entry.at) - Date.parse(before.at) < GROUP_MS
  );
}

function pendingEntry(pending: Pending, me: { id: Id; name: string } | null): Shown {
  const reply = pending.mode === "reply";
  return {
    id: pending.id,
    kind: reply ? "message" : "note",
    channel: pending.channel ?? null,
    direction: reply ? "out" : null,
    body: pending.body,
    at: new Date(pending.at).toISOString(),
    status: null,
    conversation: pending.conversation,
    author: me,
    handle: pending.to ?? null,
    account: pending.account ?? null,
    media: [],
    occurred_at: null,
    error: null,
    content: [],
    in_reply_to: null,
    reactions: [],
    edited_at: null,
    unsent_at: null,
    pending: true,
  };
}
