/** Who is writing, as far as it was said a moment ago. */
import { signal } from "@preact/signals";
import type { Entry, Id, TypingFrame } from "../client/protocol";
import { fetchPeople } from "./people";

/** A mark holds this long; whoever goes on writing says so again before. */
const HOLDS_MS = 6_000;
/** An agent nobody could be asked about is asked about again after this long. */
const ASK_AGAIN_MS = 30_000;

export interface Typist {
  customer: Id;
  /** Null: the customer. */
  agent: Id | null;
  note: boolean;
}

export const typists = signal<readonly Typist[]>([]);
/** Names of agents, once one of them was seen writing. */
export const names = signal<ReadonlyMap<Id, string>>(new Map());

const timers = new Map<string, ReturnType<typeof setTimeout>>();
let askedAt = -ASK_AGAIN_MS;

export function heardTyping({ customer, agent, note }: TypingFrame): void {
  drop(customer, agent);
  typists.value = [...typists.value, { customer, agent, note }];
  timers.set(`${customer} ${agent}`, setTimeout(() => drop(customer, agent), HOLDS_MS));
  if (agent && !names.value.has(agent)) learn();
}

/** What was being written is there. */
export function wrote(customer: Id, entry: Entry): void {
  if (entry.direction === "in") drop(customer, null);
  else if (entry.author) drop(customer, entry.author.id);
}

function drop(customer: Id, agent: Id | null): void {
  const key = `${customer} ${agent}`;
  clearTimeout(timers.get(key));
  if (timers.delete(key)) typists.value = typists.value.filter((each) => each.customer !== customer || each.agent !== agent);
}

function learn(): void {
  if (Date.now() - askedAt < ASK_AGAIN_MS) return;
  askedAt = Date.now();
  fetchPeople().then(
    ({ agents }) => { names.value = new Map(agents.map(({ id, name }) => [id, name])); },
    () => undefined,
  );
}
