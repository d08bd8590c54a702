/** Who is who: merging, unmerging, and saying who writes on a shared handle. The profile that follows shows the outcome. */
import type { Author, HandleView, Id, Instant } from "../client/protocol";
import { announce } from "./announce";
import { attempt, open } from "./desk";
import { hasDraft, moveDrafts } from "./drafts";
import { rest } from "./rest";
import { dialog, notice } from "./store";
import { ask } from "./wire";

export type Side = "survivor" | "loser";
export type Choices = Record<string, Side>;

export interface PreviewSide {
  customer: Id;
  name: string | null;
  handles: HandleView[];
  conversations: number;
  open_conversation: Id | null;
  held_by: Author[];
  entries: number;
  created_at: Instant;
}
export type PreviewValue = string | number | boolean | string[] | null;
export interface PreviewField {
  field: string;
  label: string;
  survivor: PreviewValue;
  loser: PreviewValue;
  value: PreviewValue;
  rule: string;
  /** The sides differ, and the agent may overrule the rule. */
  choose: boolean;
}
/** `refused`: why this merge is not possible, and what to do about it. */
export interface MergePreview { survivor: PreviewSide; loser: PreviewSide; fields: PreviewField[]; refused: { message: string } | null }

export const fetchPreview = (survivor: Id, loser: Id): Promise<MergePreview> =>
  rest(`merges/preview?${new URLSearchParams({ survivor, loser })}`);
export const mergeCustomers = (survivor: Id, loser: Id, choices: Choices): Promise<unknown> =>
  rest("merges", { method: "POST", body: { survivor, loser, choices } });
export const unmerge = (merge: Id): Promise<unknown> => rest(`merges/${merge}/undo`, { method: "POST" });
export const neverLink = (one: Id, other: Id): Promise<unknown> => rest("never-links", { method: "POST", body: { customers: [one, other] } });
export const dismissSuggestion = (suggestion: Id): Promise<boolean> =>
  attempt(rest(`suggestions/${suggestion}/dismiss`, { method: "POST", body: {} }));

export const identify = (conversation: Id, who: { customer: Id } | { name: string }): Promise<boolean> =>
  attempt(ask({ type: "identify", conversation, ...who }));

export interface Move { conversation: Id; from: Id; to: { id: Id; name: string }; withHandle: boolean; writing: boolean }

/** Move a conversation to whom it belongs, and go there. `writing`: what is being written belongs to it and goes along. */
export async function moveConversation({ conversation, from, to, withHandle, writing }: Move): Promise<void> {
  await rest(`conversations/${conversation}/move`, { method: "POST", body: { customer: to.id, with_handle: withHandle } });
  if (writing && !hasDraft(to.id)) moveDrafts(from, to.id);
  const text = `Moved to ${to.name}. Unmerge, under Identity, takes it out again.`;
  // What was said before goes with the profile that leaves.
  await open(to.id, to.name);
  notice.value = { text, bad: false };
  announce(text);
}

export function closeDialog(): void {
  dialog.value = null;
}
