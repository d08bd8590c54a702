/** Writing to the customer, or to colleagues. */
import { signal } from "@preact/signals";
import type { Id } from "../client/protocol";
import { setDraft, type Mode } from "./drafts";
import { put, setRefusal } from "./outbox";
import type { Route } from "./route";
import { deliver } from "./wire";

export const mode = signal<Mode>("reply");

/** Put a text on its way: a reply with a route, a note without. Its id makes sending it twice harmless. */
export function post(customer: Id, conversation: Id, text: string, route: Route | undefined): void {
  const id = uuid();
  put({
    id, customer, conversation, body: text.trim(), at: Date.now(), mode: route ? "reply" : "note",
    ...(route && { channel: route.channel, to: route.to, ...(route.account && { account: route.account }) }),
  });
  setDraft(customer, route ? "reply" : "note", "");
  setRefusal(customer, null);
  mode.value = "reply";
  deliver(id);
}

/** `crypto.randomUUID` is missing where the page is served without TLS from another machine. */
function uuid(): Id {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
