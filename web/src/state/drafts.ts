/** What the agent has typed and not sent, per customer. It outlives connections and profiles. */
import type { Id } from "../client/protocol";
import { kept } from "./kept";

export type Mode = "reply" | "note";

const drafts = kept<Record<string, string>>("drafts", {});

export function draftOf(customer: Id, mode: Mode): string {
  return drafts.value[`${mode}:${customer}`] ?? "";
}

export function setDraft(customer: Id, mode: Mode, text: string): void {
  const { [`${mode}:${customer}`]: _, ...rest } = drafts.value;
  drafts.value = text ? { ...rest, [`${mode}:${customer}`]: text } : rest;
}

export function hasDraft(customer: Id): boolean {
  return Boolean(draftOf(customer, "reply") || draftOf(customer, "note"));
}

export function dropDrafts(): void {
  drafts.value = {};
}
