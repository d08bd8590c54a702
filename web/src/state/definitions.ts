/** What administrators define for agents' days: why they are away and decline, and how contacts end. */
import { effect, signal } from "@preact/signals";
import type { Page } from "../client/api";
import { rest } from "./rest";
import { agent } from "./store";

export interface AwayReason { id: string; label: string; works: boolean }
export interface DeclineReason { id: string; label: string }
export interface Disposition { id: string; label: string; parent: string | null }
/** A disposition that can be chosen; `group`: the labels above it. */
export interface Code { id: string; label: string; group: string }

export const awayReasons = signal<AwayReason[]>([]);
export const declineReasons = signal<DeclineReason[]>([]);

effect(() => {
  if (!agent.value) return;
  // Without them the server still says which there are.
  rest<Page<AwayReason>>("presence/reasons").then((page) => { awayReasons.value = page.items; }, () => undefined);
  rest<Page<DeclineReason>>("decline-reasons").then((page) => { declineReasons.value = page.items; }, () => undefined);
});

export const awayLabel = (id: string): string | undefined => awayReasons.value.find((each) => each.id === id)?.label;

export async function fetchCodes(queue: string): Promise<Code[]> {
  const query = new URLSearchParams({ queue });
  return codesOf((await rest<Page<Disposition>>(`dispositions?${query}`)).items);
}

/** Those with nothing below them, in the order of the tree. */
export function codesOf(tree: readonly Disposition[]): Code[] {
  const groups = new Map<string, string>();
  const parents = new Set(tree.map((each) => each.parent));
  const codes: Code[] = [];
  for (const { id, label, parent } of tree) {
    const group = parent === null ? "" : groups.get(parent) ?? "";
    groups.set(id, group ? `${group} / ${label}` : label);
    if (!parents.has(id)) codes.push({ id, label, group });
  }
  return codes;
}
