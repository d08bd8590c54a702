/** Older pages of the timeline. */
import { signal } from "@preact/signals";
import type { Entry, Id } from "../client/protocol";
import { Lost } from "../client/requests";
import { withOlder } from "./profile";
import { profiles } from "./store";
import { ask, setProfile } from "./wire";

/** Customers whose older page is on its way, and why the last one did not come. */
export const loading = signal<Id | null>(null);
export const pageProblem = signal<string | null>(null);

const PAGE = 50;
const JUMP_PAGE = 200;

/** Load the page before the oldest entry shown. False when there is none, or it did not come. */
export async function loadOlder(customer: Id, limit = PAGE): Promise<boolean> {
  const open = profiles.value.get(customer);
  const oldest = open?.timeline[0];
  if (!open?.more || !oldest || loading.value === customer) return false;
  loading.value = customer;
  pageProblem.value = null;
  try {
    const answer = await ask({ type: "timeline", customer, before: oldest.id, limit });
    if (answer.type !== "result" || !answer.timeline) return false;
    const still = profiles.value.get(customer);
    if (still) setProfile(withOlder(still, answer.timeline, answer.more ?? false));
    return answer.timeline.length > 0;
  } catch (error) {
    pageProblem.value = error instanceof Lost ? "Earlier entries come when the connection is back." : (error as Error).message;
    return false;
  } finally {
    loading.value = null;
  }
}

/** Load pages until the first entry of a conversation is here. Answers that entry. */
export async function loadToStart(customer: Id, conversation: Id, openedAt: number): Promise<Id | null> {
  for (;;) {
    const open = profiles.value.get(customer);
    if (!open) return null;
    const reached = open.timeline[0] !== undefined && Date.parse(open.timeline[0].at) < openedAt;
    if (reached || !open.more || !(await loadOlder(customer, JUMP_PAGE))) break;
  }
  return firstOf(profiles.value.get(customer)?.timeline ?? [], conversation);
}

function firstOf(timeline: readonly Entry[], conversation: Id): Id | null {
  return timeline.find((entry) => entry.conversation === conversation)?.id ?? null;
}
