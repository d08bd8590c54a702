/** What the agent has typed and not sent, per customer. It outlives connections and profiles. */
import type { Id } from "../client/protocol";
import { kept } from "./kept";

export type Mode = "reply" | "note" | "task";
const MODES: readonly Mode[] = ["reply", "note", "task"];

const drafts = kept<Record<string, string>>("drafts", {});

export function draftOf(customer: Id, mode: Mode): string {
  return drafts.value[`${mode}:${customer}`] ?? "";
}

export function setDraft(customer: Id, mode: Mode, text: string): void {
  const { [`${mode}:${customer}`]: _, ...rest } = drafts.value;
  drafts.value = text ? { ...rest, [`${mode}:${customer}`]: text } : rest;
}

export function hasDraft(customer: Id): boolean {
  return MODES.some((mode) => draftOf(customer, mode) !== "");
}

/** The customer was merged into another: what was being written to them goes along. */
export function moveDrafts(from: Id, to: Id): void {
  for (const mode of MODES) {
    const text = draftOf(from, mode);
    if (text && !draftOf(to, mode)) setDraft(to, mode, text);
    setDraft(from, mode, "");
  }
}

export function dropDrafts(): void {
  drafts.value = {};
}
