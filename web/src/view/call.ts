/** A call in words. Pure. */
import { contentOf } from "../client/content";
import type { Call } from "../client/protocol";
import { length } from "./format";
import type { Shown } from "./rows";

export interface Step { name: string; text: string }

const OUTCOMES: Record<NonNullable<Call["outcome"]>, string> = {
  answered: "answered", abandoned: "missed", voicemail: "left a voicemail", turned_away: "outside business hours", unanswered: "nobody answered",
};

const STATES: Record<Call["state"], string> = {
  menu: "In the menu", waiting: "Waiting", connecting: "Connecting", bridged: "On the call", voicemail: "Leaving a voicemail", calling: "Calling", ended: "Ended",
};

/** What the header of the entry says. */
export function whatOfCall(entry: Shown): string {
  const call = contentOf(entry.content, "call");
  const verb = entry.kind === "voicemail" ? "left a voicemail" : entry.direction === "out" ? "called the customer" : `called${entry.account ? ` ${entry.account}` : ""}`;
  if (!call?.outcome || entry.kind === "voicemail" || call.outcome === "answered") return verb;
  return `${verb}, ${OUTCOMES[call.outcome]}`;
}

export const stateWords = (call: Call): string => (call.on_hold ? "On hold" : STATES[call.state]);

/** What happened one after the other, each with its length. */
export function course(call: Call): Step[] {
  const steps: Step[] = [];
  if (call.menu.length > 0) steps.push({ name: "Menu", text: call.menu.join(", ") });
  if (call.waited_seconds !== null) steps.push({ name: call.direction === "out" ? "Rang" : "Waited", text: length(call.waited_seconds) });
  if (call.agents.length > 0) steps.push({ name: call.agents.length > 1 ? "Agents" : "Agent", text: call.agents.join(", ") });
  if (call.peer) steps.push({ name: "Put through to", text: call.peer });
  if (call.talked_seconds !== null) steps.push({ name: "Talked", text: length(call.talked_seconds) });
  if (call.outcome && call.outcome !== "answered") steps.push({ name: "Outcome", text: OUTCOMES[call.outcome] });
  if (call.recording === "failed") steps.push({ name: "Recording", text: "failed" });
  return steps;
}
