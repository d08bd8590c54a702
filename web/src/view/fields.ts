/** What a profile says, field by field: its label, how it is edited, and where it comes from. Pure. */
import type { Channel, Customer, EditValue, FieldType, Provenance } from "../client/protocol";
import { CHANNEL_WORDS } from "../state/route";
import { fullWhen, languageName, shortDay } from "./format";

export type FieldKind = FieldType | "zone" | "language" | "channels" | "tags";

export interface FieldView {
  field: string;
  label: string;
  kind: FieldKind;
  value: EditValue;
  choices: readonly string[];
  currency: string | null;
}

const BUILT_IN: [keyof Customer, string, FieldKind][] = [
  ["name", "Name", "text"],
  ["company", "Company", "text"],
  ["plan", "Plan", "text"],
  ["location", "Location", "text"],
  ["time_zone", "Time zone", "zone"],
  ["language", "Language", "language"],
  ["birth_date", "Birth date", "date"],
  ["external_id", "External id", "text"],
  ["tags", "Tags", "tags"],
  ["preferred_channels", "Prefers", "channels"],
  ["refused_channels", "Does not want", "channels"],
];

export const CHANNELS = Object.keys(CHANNEL_WORDS) as Channel[];

export function fieldsOf(customer: Customer): FieldView[] {
  const own = BUILT_IN.map(([field, label, kind]): FieldView =>
    ({ field, label, kind, value: customer[field] as EditValue, choices: [], currency: null }));
  const custom = customer.fields.map(({ key, label, type, choices, currency, value }): FieldView =>
    ({ field: `fields.${key}`, label, kind: type, value, choices, currency }));
  return [...own, ...custom];
}

export const isEmpty = (value: EditValue): boolean => value === null || (Array.isArray(value) && value.length === 0);

/** A value as text for reading. */
export function valueWords({ kind, value, currency }: Pick<FieldView, "kind" | "value" | "currency">): string {
  if (isEmpty(value)) return "–";
  if (Array.isArray(value)) return value.map((each) => (kind === "channels" ? CHANNEL_WORDS[each as Channel] ?? each : each)).join(", ");
  switch (kind) {
    case "yes_no": return value ? "Yes" : "No";
    case "money": return money(String(value), currency);
    case "number": return new Intl.NumberFormat("en").format(Number(value));
    case "date": return dateWords(String(value));
    case "language": return languageName(String(value));
    default: return String(value);
  }
}

function money(value: string, currency: string | null): string {
  if (!currency) return value;
  return new Intl.NumberFormat("en", { style: "currency", currency }).format(value as unknown as number);
}

export function dateWords(value: string): string {
  const date = new Date(`${value}T00:00:00`);
  return Number.isNaN(date.getTime()) ? value : new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" }).format(date);
}

/** What is typed for a value. */
export function draftOf({ value, kind }: FieldView): string {
  if (value === null) return "";
  if (Array.isArray(value)) return value.join(", ");
  if (kind === "yes_no") return value ? "yes" : "no";
  return String(value);
}

/** The value of what was typed; undefined where it is none. Nothing typed removes the value. */
export function valueOf(draft: string, kind: FieldKind): EditValue | undefined {
  const text = draft.trim();
  if (kind === "tags" || kind === "channels") return [...new Set(text.split(",").map((each) => each.trim()).filter(Boolean))];
  if (!text) return null;
  if (kind === "yes_no") return text === "yes";
  if (kind !== "number") return text;
  return Number.isFinite(Number(text)) ? Number(text) : undefined;
}

const SOURCE: Record<Provenance["source"], string> = {
  channel: "Came with a contact", agent: "Edited", service: "From another system", import: "Imported",
  rule: "Set by a routing rule",
};

/** Where a value comes from, in a sentence. */
export function originWords(origin: Provenance | undefined): string {
  if (!origin) return "Came with the first contact";
  const by = origin.by ? ` by ${origin.by.name}` : "";
  const account = origin.account ? ` on ${origin.account}` : "";
  const beside = origin.beside.length ? `. Merged profiles also say: ${origin.beside.join(", ")}` : "";
  return `${SOURCE[origin.source]}${by}${account}, ${fullWhen(origin.at)}${origin.verified ? ", verified" : ""}${beside}`;
}

/** Who stands behind a note, a task, a relationship. */
export function authorWords(by: { name: string } | null, at: string, now: number): string {
  return `${by ? by.name : "Automatic"}, ${shortDay(at, now)}`;
}
