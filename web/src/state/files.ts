/** Attachments as addresses the page can show: fetched with the agent's token, the last ones kept. */
import { fetchFile } from "../client/api";
import type { Id } from "../client/protocol";
import { token } from "./store";

const MOST_KEPT = 60;
const kept = new Map<Id, Promise<string>>();

/** The file's address on this page; throws where it cannot be fetched. */
export function fileAddress(id: Id): Promise<string> {
  const known = kept.get(id);
  if (known) return known;
  const address = fetchFile(token.value ?? "", `attachments/${id}`).then((file) => URL.createObjectURL(file));
  kept.set(id, address);
  address.catch(() => kept.delete(id));
  for (const [oldest, url] of kept) {
    if (kept.size <= MOST_KEPT) break;
    kept.delete(oldest);
    url.then(URL.revokeObjectURL, () => undefined);
  }
  return address;
}

/** The cleaned HTML of a mail, with the pictures that came with it. */
export const mailHtml = async (entry: Id): Promise<string> => (await fetchFile(token.value ?? "", `entries/${entry}/html`)).text();

/** Save a file under its name. */
export async function saveFile(id: Id, name: string): Promise<void> {
  const link = document.createElement("a");
  link.href = await fileAddress(id);
  link.download = name;
  link.click();
}
