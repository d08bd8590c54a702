/** The keyboard map of the page. Single keys act only outside text fields and dialogs. */
import { groupHeld, ringing } from "../state/agent";
import { mode } from "../state/compose";
import type { Mode } from "../state/drafts";
import { accept, canTakeNext, decline, finish, open, takeNext } from "../state/desk";
import { singleKeys } from "../state/prefs";
import { current, dialog, focusNext, mine, opening } from "../state/store";

type Action = () => void;

export function listenForKeys(): () => void {
  addEventListener("keydown", onKey);
  return () => removeEventListener("keydown", onKey);
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || dialog.value) return;
  const action = regionKey(event) ?? (singleKeys.value && !isText(event.target) ? singleKey(event) : undefined);
  if (!action) return;
  event.preventDefault();
  action();
}

function regionKey(event: KeyboardEvent): Action | undefined {
  if (event.key === "F6") return () => cycleRegion(event.shiftKey ? -1 : 1);
  if (event.altKey && event.key === "ArrowDown") return () => stepCustomer(1);
  if (event.altKey && event.key === "ArrowUp") return () => stepCustomer(-1);
  return undefined;
}

function singleKey(event: KeyboardEvent): Action | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return undefined;
  const place = event.shiftKey ? 1 : 0;
  switch (event.key.toLowerCase()) {
    case "a": return onOffer(place, accept);
    case "d": return onOffer(place, decline);
    case "/": return () => { dialog.value = { kind: "search" }; };
    case "?": return () => { dialog.value = { kind: "keys" }; };
    case "r": return () => write("reply");
    case "i": return () => write("note");
    case "k": return () => write("task");
    case "c": return () => click("channel-picker");
    case "t": return () => click("topic-picker");
    case "x": return () => click("transfer");
    case "f": return () => void finish();
    case "n": return canTakeNext.value ? () => void takeNext() : undefined;
    case "[": return () => stepConversation(1);
    case "]": return () => stepConversation(-1);
    default: return /^[1-9]$/.test(event.key) ? candidate(Number(event.key)) : undefined;
  }
}

/** Who writes on a shared handle, or how a contact ended: the one of this number. */
function candidate(number: number): Action | undefined {
  const button = document.querySelectorAll<HTMLElement>('[data-test="choose-candidate"], [data-test="code"]')[number - 1];
  return button && (() => button.click());
}

function onOffer(place: number, answer: typeof accept): Action | undefined {
  const offers = ringing(mine.value?.offers ?? new Map()).filter((offer) => offer.phase !== "ended");
  const offer = offers[place];
  return offer && (() => void answer(offer));
}

function write(which: Mode): void {
  mode.value = which;
  focusNext.value = "reply";
}

function click(test: string): void {
  document.querySelector<HTMLElement>(`[data-test="${test}"]`)?.click();
}

function stepCustomer(step: number): void {
  const { attention, open: busy, parked } = groupHeld(mine.value?.held ?? new Map());
  const order = [...attention, ...busy, ...parked];
  const at = order.findIndex((held) => held.customer === (opening.value?.customer ?? current.value));
  const next = order[at < 0 ? 0 : at + step];
  if (next) void open(next.customer, next.customer_name);
}

/** The list stands newest first. */
function stepConversation(step: number): void {
  const all = [...document.querySelectorAll<HTMLElement>(".conversation")];
  const at = all.findIndex((each) => each.classList.contains("visited"));
  const from = at < 0 ? all.findIndex((each) => each.ariaCurrent === "true") : at;
  const next = all[from + step];
  if (!next) return;
  all.forEach((each) => each.classList.toggle("visited", each === next));
  next.click();
}

function cycleRegion(step: number): void {
  const regions = [...document.querySelectorAll<HTMLElement>("[data-region]")];
  const at = regions.findLastIndex((region) => region.contains(document.activeElement));
  const next = regions[(at + step + regions.length) % regions.length];
  if (!next) return;
  next.classList.add("by-key");
  next.addEventListener("blur", () => next.classList.remove("by-key"), { once: true });
  next.focus();
}

function isText(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
