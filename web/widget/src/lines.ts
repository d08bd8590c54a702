/** One line as it is seen: said by somebody, or still on its way. */

import type { FileOf, Line } from "./api";
import { el, words } from "./dom";
import type { Pending } from "./outgoing";

/** Places are instants; whole seconds come without a fraction, so the zone's letter must not count. */
export function inOrder(a: string, b: string): number {
  const [x, y] = [a.replace("Z", ""), b.replace("Z", "")];
  return x < y ? -1 : x > y ? 1 : 0;
}

function time(at: string): string {
  const then = new Date(at);
  const clock = { hour: "2-digit", minute: "2-digit" } as const;
  const isToday = then.toDateString() === new Date().toDateString();
  return isToday ? then.toLocaleTimeString([], clock) : then.toLocaleString([], { day: "numeric", month: "short", ...clock });
}

/** `begins`: the first of several by the same; `ends`: the last of them. `received`: to be marked so. */
export function said(line: Line, origin: string, begins: boolean, ends: boolean, received: boolean, moved: () => void): HTMLElement {
  const files = (line.files ?? []).map((each) => file(each, origin, moved));
  const mark = received ? " · Received" : "";
  const meta = ends || received ? [el("div", { class: "meta" }, time(line.at) + mark)] : [];
  // What the visitor wrote themselves is not read out to them.
  const element = el("div", { class: `line ${line.by}`, "data-line": line.id, ...(line.by === "you" ? { "aria-live": "off" } : {}) });
  if (line.by === "you") element.append(el("span", { class: "away" }, "You: "));
  else element.append(el("div", { class: begins ? "who" : "away" }, line.name ?? "Us"));
  element.append(el("div", { class: "bubble", dir: "auto" }, ...files, ...words(line.text)), ...meta);
  return element;
}

function file(file: FileOf, origin: string, moved: () => void): HTMLElement {
  const href = origin + file.url;
  const link = el("a", { href, target: "_blank", rel: "noopener noreferrer", class: "file" }, file.name);
  if (!file.shown) return link;
  const picture = el("img", { src: href, alt: file.name, load: moved });
  const shown = el("a", { href, target: "_blank", rel: "noopener noreferrer", class: "picture" }, picture);
  // Where the page's policy forbids pictures of ours, the link remains.
  picture.addEventListener("error", () => shown.replaceWith(link));
  return shown;
}

export interface OnItsWay {
  again(id: string): void;
  drop(id: string): void;
}

const STATES = { sent: "Sent", failed: "Not sent. ", lost: "Not sent: the page was closed too early. Attach it again. " };

export function pending(each: Pending, held: boolean, wishes: OnItsWay): HTMLElement {
  const state = each.state ? STATES[each.state] : held ? "Waiting to be sent" : "Sending…";
  const wrong = each.state === "failed" || each.state === "lost";
  const meta = el("div", { class: wrong ? "meta bad" : "meta", ...(wrong ? { role: "alert" } : {}) }, state);
  if (each.state === "failed") meta.append(el("button", { type: "button", click: () => wishes.again(each.id) }, "Try again"));
  if (each.state === "lost") meta.append(el("button", { type: "button", click: () => wishes.drop(each.id) }, "Remove"));
  const bubble = el("div", { class: "bubble", dir: "auto" }, each.file ?? each.text);
  return el("div", { class: "line you", "data-pending": each.id, "aria-live": "off" }, el("span", { class: "away" }, "You: "), bubble, meta);
}
