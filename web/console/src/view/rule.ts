/** Rules in words. */
import type { PlainMap, Plain } from "../rules/text";

export const GROUPS = ["all", "any", "not"] as const;
export type Group = (typeof GROUPS)[number];
export const groupOf = (test: PlainMap): Group | null => GROUPS.find((each) => each in test) ?? null;

export const isMap = (value: unknown): value is PlainMap => typeof value === "object" && value !== null && !Array.isArray(value);
export const mapOf = (value: unknown): PlainMap => (isMap(value) ? value : {});
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value)) return value.map(textOf).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
export const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(textOf) : value === undefined ? [] : [textOf(value)]);

export const SIGNS: Record<string, string> = {
  is: "is", in: "is one of", contains: "contains", starts: "starts with", matches: "matches", has_any: "has any of", has_all: "has all of",
  gt: ">", ge: "≥", lt: "<", le: "≤", between: "between", before: "before", after: "after", within: "within", longer_ago: "longer ago than",
  hours: "within hours", exists: "is known",
};

/** What a rule does, in a line. */
export function outcome(rule: PlainMap): string {
  const parts = [
    rule["close"] === true && "closed",
    rule["voicemail"] === true && "voicemail",
    rule["queue"] !== undefined && textOf(rule["queue"]),
    isMap(rule["agent"]) && (rule["agent"]["is"] === "last" ? "last agent first" : `${textOf(rule["agent"]["is"])} first`),
    rule["priority"] !== undefined && rule["priority"] !== 0 && `priority ${textOf(rule["priority"])}`,
    isMap(rule["skills"]) && Object.entries(rule["skills"]).map(([skill, level]) => `${skill} ≥ ${textOf(level)}`).join(", "),
    isMap(rule["reply"]) && "reply",
  ];
  return parts.filter(Boolean).join(" · ") || "no queue";
}

/** A value to begin with for an operator. */
export function firstValue(operator: string, old: Plain | undefined): Plain {
  if (operator === "exists") return true;
  if (["in", "has_any", "has_all"].includes(operator)) return textsOf(old).filter(Boolean);
  if (operator === "between") return Array.isArray(old) && old.length === 2 ? old : [0, 1];
  if (["gt", "ge", "lt", "le"].includes(operator)) return typeof old === "number" ? old : 0;
  if (["within", "longer_ago"].includes(operator)) return "7d";
  if (operator === "hours") return { time_zone: "UTC", open: { mon: [["09:00", "17:00"]] } };
  return Array.isArray(old) ? textOf(old[0]) : typeof old === "object" ? "" : (old ?? "");
}

/** What was typed: a number where it is one. */
export const amount = (typed: string): Plain => (/^-?\d+(\.\d+)?$/.test(typed.trim()) ? Number(typed) : typed);
