/** The profile as it stood on a screen when a contact was accepted. */
import { Problem, type Page } from "../client/api";
import type { Author, Conversation, Id, Instant, Profile, ProfileContact } from "../client/protocol";
import { rest } from "./rest";

export interface Seen { contact: Id; offer: Id; agent: Author; at: Instant; profile: Profile }

/** A conversation can have many contacts; who wants to know asks about a recent one. */
const MOST_CONTACTS = 12;

/** Every accept of this conversation that was kept, the last first. */
export async function fetchSeen({ contacts }: Conversation): Promise<Seen[]> {
  const newest = contacts.toSorted((a, b) => Date.parse(b.arrived_at) - Date.parse(a.arrived_at)).slice(0, MOST_CONTACTS);
  const found = await Promise.all(newest.map(seenOf));
  return found.flat().sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}

async function seenOf({ id }: ProfileContact): Promise<Seen[]> {
  try {
    return (await rest<Page<Seen>>(`contacts/${id}/seen-at-accept`)).items;
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return [];
    throw error;
  }
}
