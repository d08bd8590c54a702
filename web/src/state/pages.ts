/** Pages of the timeline: older ones, newer ones after a jump, and the page around the start of a conversation. */
import { signal } from "@preact/signals";
import type { Page } from "../client/api";
import { customerPath } from "../client/api";
import type { Conversation, Entry, Id } from "../client/protocol";
import { Lost } from "../client/requests";
import { byNewest, withConversations, withNewer, withNewest, withOlder, withPageAround, type OpenProfile } from "./profile";
import { rest } from "./rest";
import { profiles } from "./store";
import { ask, setProfile } from "./wire";

type Cursor = { before: Id } | { after: Id } | { conversation: Id } | Record<never, never>;
type Step = (open: OpenProfile, entries: Entry[], more: boolean) => OpenProfile;

/** Which end of which customer's timeline is on its way, and why the last page did not come. */
export const loading = signal<{ customer: Id; end: "older" | "newer" } | null>(null);
export const pageProblem = signal<string | null>(null);

const PAGE = 50;
const JUMP_PAGE = 100;

/** Load the page before the oldest entry shown. False when there is none, or it did not come. */
export async function loadOlder(customer: Id): Promise<boolean> {
  const open = profiles.value.get(customer);
  const oldest = open?.timeline[0];
  if (!open?.more || !oldest) return false;
  return load(customer, "older", { before: oldest.id }, PAGE, withOlder);
}

/** Load the page after the newest entry shown, where a jump left newer ones out. */
export async function loadNewer(customer: Id): Promise<boolean> {
  const open = profiles.value.get(customer);
  const newest = open?.timeline.at(-1);
  if (!open?.newer || !newest) return false;
  return load(customer, "newer", { after: newest.id }, PAGE, withNewer);
}

/** Show the live end again. */
export async function loadNewest(customer: Id): Promise<boolean> {
  if (!profiles.value.get(customer)?.newer) return true;
  return load(customer, "newer", {}, PAGE, withNewest);
}

/** Have the first entry of a conversation loaded, wherever it lies. Answers that entry. */
export async function loadStart(customer: Id, conversation: Conversation): Promise<Id | null> {
  const open = profiles.value.get(customer);
  if (!open) return null;
  const opened = Date.parse(conversation.opened_at);
  const first = open.timeline[0];
  const last = open.timeline.at(-1);
  const within = first && last && (!open.more || Date.parse(first.at) < opened) && (!open.newer || Date.parse(last.at) > opened);
  if (!within) {
    await load(customer, "older", { conversation: conversation.id }, JUMP_PAGE, withPageAround);
    await loadOlder(customer);
  }
  return profiles.value.get(customer)?.timeline.find((entry) => entry.conversation === conversation.id)?.id ?? null;
}

async function load(customer: Id, end: "older" | "newer", cursor: Cursor, limit: number, step: Step): Promise<boolean> {
  if (loading.value?.customer === customer) return false;
  loading.value = { customer, end };
  pageProblem.value = null;
  try {
    const answer = await ask({ type: "timeline", customer, limit, ...cursor });
    if (answer.type !== "result" || !answer.timeline) return false;
    const still = profiles.value.get(customer);
    if (still) setProfile(step(still, answer.timeline, answer.more ?? false));
    return answer.timeline.length > 0;
  } catch (error) {
    pageProblem.value = error instanceof Lost ? "More entries come when the connection is back." : (error as Error).message;
    return false;
  } finally {
    loading.value = null;
  }
}

/** The snapshot holds the newest conversations; earlier ones come by this. Answers where to go on, null at the end. */
export async function loadConversations(customer: Id, cursor: string | null): Promise<string | null> {
  const page = await conversationPage(customer, cursor);  // the first holds what the snapshot has, and more
  const open = profiles.value.get(customer);
  if (open) setProfile(withConversations(open, byNewest(page.items)));
  return page.next;
}

function conversationPage(customer: Id, cursor: string | null): Promise<Page<Conversation>> {
  const query = new URLSearchParams({ limit: String(PAGE), ...(cursor && { cursor }) });
  return rest<Page<Conversation>>(customerPath(customer, `conversations?${query}`));
}
