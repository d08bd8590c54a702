/** What the parts read. Only the files of this folder write here. */
import { computed, signal } from "@preact/signals";
import { ServerClock } from "../client/clock";
import type { Actor, Capacity, Conversation, HeldContact, Id, Instant, MergeView, Suggestion, WorkClass } from "../client/protocol";
import type { AgentState } from "./agent";
import { kept } from "./kept";
import type { OpenProfile } from "./profile";

export type LinkView =
  | { state: "connecting" }
  | { state: "live" }
  | { state: "catching"; count: number; since: number | null }
  | { state: "offline"; since: number; nextTryAt: number | null }
  | { state: "refused"; since: number; why: string };

export const clock = new ServerClock();
/** Local milliseconds, moved on every second while something counts. */
export const now = signal(Date.now());

/** The clock for what shows no seconds: it wakes its readers once a minute. */
export const minute = computed(() => Math.floor(now.value / 60_000) * 60_000);

export const token = signal<string | null>(null);
export const signInProblem = signal<string | null>(null);

export const link = signal<LinkView>({ state: "connecting" });
export const agent = signal<Actor | null>(null);
export const capacity = signal<Partial<Record<WorkClass, Capacity>>>({});
export const mine = signal<AgentState | null>(null);
export const connectedAt = signal<number | null>(null);

export const profiles = signal<ReadonlyMap<Id, OpenProfile>>(new Map());
export const current = signal<Id | null>(null);
/** A profile asked for and not here yet, or refused. */
export const opening = signal<{ customer: Id; name: string | null; problem: string | null; ref?: string } | null>(null);
/** Contacts that came by themselves while the agent was typing. */
export const marked = signal<ReadonlySet<Id>>(new Set());
/** The newest entry of the open timeline is in view. */
export const atNewest = signal(true);
/** Where the keyboard goes once the profile just opened is painted. */
export const focusNext = signal<"name" | "reply" | null>(null);

export interface Viewed { customer: Id; name: string | null; detail: string; at: number }
export const recent = kept<Viewed[]>("recent", []);
/** The profile to open again after a reload. */
export const lastShown = kept<Id | null>("shown", null);
/** Whose drafts and pending replies this tab keeps. */
export const owner = kept<Id | null>("owner", null);

export const notice = signal<{ text: string; bad: boolean } | null>(null);
export type Dialog =
  | { kind: "search" | "keys" }
  | { kind: "merge"; survivor: Id; loser: Id; suggestion: Suggestion | null }
  | { kind: "unmerge"; merge: MergeView }
  | { kind: "move" | "seen"; conversation: Conversation }
  | { kind: "transfer"; held: HeldContact };
export const dialog = signal<Dialog | null>(null);

export const profile = computed(() => (current.value ? profiles.value.get(current.value) : undefined));
/** True when a frame can be sent. */
export const reachable = computed(() => link.value.state === "live" || link.value.state === "catching");

/** The contacts this agent holds of the customer on the screen. */
export const heldHere = computed(() =>
  [...(mine.value?.held.values() ?? [])].filter((held) => held.customer === current.value),
);

export function secondsLeft(until: Instant): number {
  return Math.ceil(clock.left(until, now.value) / 1000);
}
