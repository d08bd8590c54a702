/** The timeline as rows: days, starts of conversations, messages grouped by sender. Pure. */
import type { Conversation, Entry, Id } from "../client/protocol";
import type { Pending } from "../state/outbox";
import { dayKey } from "./format";

export type Shown = Entry & { pending?: boolean };

export type Row =
  | { type: "day"; key: string; at: string }
  | { type: "start"; key: string; conversation: Conversation }
  | { type: "line"; key: string; entry: Shown }
  | { type: "group"; key: string; entries: Shown[] };

/** Messages of one sender further apart than this get a header of their own. */
const GROUP_MS = 15 * 60_000;
const LINES = new Set(["status", "consent", "task"]);

export function rowsOf(
  timeline: readonly Entry[], pending: readonly Pending[], conversations: readonly Conversation[], more: boolean, me: { id: Id; name: string } | null,
): Row[] {
  const rows: Row[] = [];
  const started = new Set<Id>();
  const byId = new Map(conversations.map((each) => [each.id, each]));
  const shown: Shown[] = [...timeline, ...pending.map((each) => pendingEntry(each, me))];
  let day = "";
  shown.forEach((entry, index) => {
    const today = dayKey(entry.at);
    if (today !== day) rows.push({ type: "day", key: `day ${today}`, at: entry.at });
    day = today;
    const conversation = entry.conversation ? byId.get(entry.conversation) : undefined;
    if (conversation && !started.has(conversation.id)) {
      started.add(conversation.id);
      if (index > 0 || !more) rows.push({ type: "start", key: `start ${conversation.id}`, conversation });
    }
    add(rows, entry);
  });
  return rows;
}

function add(rows: Row[], entry: Shown): void {
  if (LINES.has(entry.kind)) {
    rows.push({ type: "line", key: entry.id, entry });
    return;
  }
  const last = rows.at(-1);
  if (last?.type === "group" && joins(last.entries.at(-1)!, entry)) last.entries.push(entry);
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
    pending: true,
  };
}
