/** Writing to the customer, to colleagues, or to oneself for later. */
import { signal } from "@preact/signals";
import type { Id } from "../client/protocol";
import { Refused } from "../client/requests";
import { uuid } from "../client/uuid";
import { announce } from "./announce";
import { setDraft, type Mode } from "./drafts";
import { put, setRefusal, type Pending } from "./outbox";
import { named, type Whom } from "./people";
import type { Route } from "./route";
import { reachable } from "./store";
import { ask, deliver } from "./wire";

export const mode = signal<Mode>("reply");

/** What goes with the words of a reply. */
export type Beside = Pick<Pending, "attachments" | "subject" | "template">;

/** Put a text on its way: a reply with a route, a note without. Its id makes sending it twice harmless. */
export function post(customer: Id, conversation: Id, text: string, route: Route | undefined, beside: Beside = {}): void {
  const id = uuid();
  put({
    id, customer, conversation, body: text.trim(), at: Date.now(), mode: route ? "reply" : "note",
    ...(route && { channel: route.channel, to: route.to, ...(route.account && { account: route.account }), ...beside }),
  });
  setDraft(customer, route ? "reply" : "note", "");
  setRefusal(customer, null);
  mode.value = "reply";
  typed.at = 0;
  deliver(id);
}

/** Whoever goes on writing says so this often. */
const TYPING_MS = 3_000;
let typed = { what: "", at: 0 };

/** Say that the agent is writing, to whom it will go; a note, which has no route, to colleagues. */
export function typing(conversation: Id, route: Route | undefined): void {
  const what = [conversation, route?.channel, route?.to].join(" ");
  if (!reachable.value || (what === typed.what && Date.now() - typed.at < TYPING_MS)) return;
  typed = { what, at: Date.now() };
  const to = route ? { channel: route.channel, to: route.to } : { note: true };
  // What of it is refused concerns nobody.
  ask({ type: "typing", conversation, ...to }).catch(() => undefined);
}

export interface NewTask { customer: Id; body: string; due: string | null; whom: Whom; conversation?: Id | undefined; id?: Id }

/** Add a task; throws why it was not added. Naming its id again adds it once. */
export async function addTask({ customer, body, due, whom, conversation, id = uuid() }: NewTask): Promise<void> {
  await ask({ type: "task", customer, body: body.trim(), id, ...named(whom), ...(due && { due_at: due }), ...(conversation && { conversation }) });
  announce("Task added");
}

/** A task written in the reply box: its text stays there until it is recorded. */
export async function postTask(task: NewTask): Promise<boolean> {
  try {
    await addTask(task);
  } catch (error) {
    const message = error instanceof Refused ? error.message : "The connection broke before an answer came. Adding it again adds it once.";
    setRefusal(task.customer, { message, text: task.body, mode: "task" });
    return false;
  }
  setDraft(task.customer, "task", "");
  setRefusal(task.customer, null);
  mode.value = "reply";
  return true;
}
