/** Replies and notes on their way: shown as pending until their entry arrives, sent again after a break. */
import { signal } from "@preact/signals";
import type { Channel, ClientFrame, Entry, Id, Reply } from "../client/protocol";
import type { Mode } from "./drafts";
import { kept } from "./kept";

export interface Pending {
  id: Id;
  mode: Exclude<Mode, "task">;
  customer: Id;
  conversation: Id;
  body: string;
  at: number;
  channel?: Channel;
  account?: string;
  to?: string;
  attachments?: Id[];
  subject?: string;
  template?: NonNullable<Reply["template"]>;
}

export const outbox = kept<Pending[]>("outbox", []);
/** Why the last one was refused, per customer; its text is kept with it. */
export const refusals = signal<Record<Id, { message: string; text: string; mode: Mode }>>({});

export function put(pending: Pending): void {
  outbox.value = [...outbox.value, pending];
}

export function take(id: Id): Pending | undefined {
  const found = outbox.value.find((each) => each.id === id);
  if (found) outbox.value = outbox.value.filter((each) => each.id !== id);
  return found;
}

/** The customer was merged into another: what is on its way to them goes along. */
export function movePending(from: Id, to: Id): void {
  if (outbox.value.some((each) => each.customer === from)) {
    outbox.value = outbox.value.map((each) => (each.customer === from ? { ...each, customer: to } : each));
  }
}

/** An entry with a pending id is that reply, recorded. */
export function settle(entries: readonly Entry[]): void {
  if (outbox.value.length === 0) return;
  const recorded = new Set(entries.map((entry) => entry.id));
  if (outbox.value.some((each) => recorded.has(each.id))) {
    outbox.value = outbox.value.filter((each) => !recorded.has(each.id));
  }
}

export function setRefusal(customer: Id, refusal: { message: string; text: string; mode: Mode } | null): void {
  const { [customer]: _, ...rest } = refusals.value;
  refusals.value = refusal ? { ...rest, [customer]: refusal } : rest;
}

export function frameOf({ mode, id, conversation, body, channel, account, to, attachments, subject, template }: Pending): ClientFrame {
  const common = { id, conversation, body, ref: id };
  if (mode === "note") return { type: "note", ...common };
  return {
    type: "reply", ...common,
    ...(channel && { channel }), ...(account && { account }), ...(to && { to }),
    ...(attachments?.length && { attachments }), ...(subject && { subject }), ...(template && { template }),
  };
}
