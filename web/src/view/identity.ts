/** Merges and fields in words. Pure. */
import type { Channel, CustomField, HandleKind, Id, MatchedField, MergeView } from "../client/protocol";
import type { MergePreview, PreviewField, PreviewSide, PreviewValue, Side } from "../state/identity";
import { CHANNEL_WORDS } from "../state/route";
import { dateWords, valueWords } from "./fields";
import { languageName } from "./format";

const FIELD_WORDS: Record<string, string> = {
  name: "name", company: "company", email: "e-mail", phone: "phone", handle: "handle", handles: "handles", address: "address", postal_code: "postal code",
  birth_date: "birth date", external_id: "external id", time_zone: "time zone", preferred_channels: "preferred channels", refused_channels: "refused channels",
};

export function fieldWord(field: string): string {
  return FIELD_WORDS[field] ?? field.replace(/^fields\./, "").replaceAll("_", " ");
}

export const titled = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** "a", "a and b", "a, b and c". */
export function listWords(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** "the same birth date and company, and the name written alike". */
export function matchWords(matched: readonly MatchedField[]): string | null {
  const speaks = matched.filter((each) => each.weight > 0).sort((a, b) => b.weight - a.weight);
  const same = speaks.filter((each) => each.how === "same").map((each) => fieldWord(each.field));
  const like = speaks.filter((each) => each.how !== "same").map((each) => (
    each.field.startsWith("claimed ") ? `the same ${fieldWord(each.field.slice(8))}, ${each.how}` : `the ${fieldWord(each.field)} ${each.how}`));
  const parts = [...(same.length ? [`the same ${listWords(same)}`] : []), ...(like.length ? [listWords(like)] : [])];
  return parts.length ? parts.join(", and ") : null;
}

const RULE_WORDS: Record<string, string> = {
  by_hand: "Merged by hand",
  identified: "Said to be this customer, on a shared handle",
  moved: "A conversation was moved here",
  proven_together: "Both handles were proven together",
};

/** Why a handle was linked: the rule's name as a phrase. */
export const linkWords = (rule: string): string => titled(rule.replaceAll("_", " "));

export function ruleWords({ rule, by }: Pick<MergeView, "rule" | "by">): string {
  const words = RULE_WORDS[rule] ?? linkWords(rule);
  return `${words}${by ? ` by ${by.name}` : ", automatically"}`;
}

/** What a field will say, by which rule, and whose value that is. */
export function outcomeOf(field: PreviewField, chosen: Side | undefined): { value: PreviewValue; rule: string; side: Side | null } {
  if (chosen) return { value: field[chosen], rule: "chosen by you", side: chosen };
  if (JSON.stringify(field.survivor) === JSON.stringify(field.loser)) return { value: field.value, rule: field.rule, side: null };
  const same = (value: PreviewValue): boolean => value !== null && JSON.stringify(value) === JSON.stringify(field.value);
  const side = same(field.survivor) ? "survivor" : same(field.loser) ? "loser" : null;
  return { value: field.value, rule: field.rule, side };
}

/** A value of either side as text; that of a custom field as its definition says. */
export function previewWords(field: string, value: PreviewValue, custom: readonly CustomField[] = []): string {
  const defined = custom.find((each) => `fields.${each.key}` === field);
  if (defined) return valueWords({ kind: defined.type, value, currency: defined.currency });
  if (value === null || (Array.isArray(value) && value.length === 0)) return "–";
  if (Array.isArray(value)) return value.map((each) => previewWords(field, each)).join(", ");
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value)) return dateWords(value);
  if (field === "language") return languageName(String(value));
  return field.endsWith("channels") ? CHANNEL_WORDS[value as Channel] ?? String(value) : String(value);
}

const HANDLES: [HandleKind, string][] = [["phone", "Phone"], ["email", "E-mail"], ["social", "Social"]];

/** What is not a value of a field and is joined all the same: handles, conversations, who works on them. */
export function joinedRows({ survivor, loser }: MergePreview, me: Id | undefined): PreviewField[] {
  const handles = HANDLES.map(([kind, label]) => {
    const [ours, theirs] = [survivor, loser].map((side) => side.handles.filter((each) => each.kind === kind).map((each) => each.display));
    return row(kind, label, ours!, theirs!, [...new Set([...ours!, ...theirs!])], "every handle is kept");
  });
  const both = survivor.open_conversation !== null && loser.open_conversation !== null;
  const open = both || survivor.open_conversation !== null || loser.open_conversation !== null;
  const talks = row("conversations", "Conversations", talkWords(survivor), talkWords(loser), `${survivor.conversations + loser.conversations - Number(both)}${open ? ", one open" : ""}`,
    both ? "the older open one goes on, the other is folded into it" : "all are kept");
  const [ours, theirs] = [survivor, loser].map((side) => side.held_by.map((agent) => (agent.id === me ? "you" : agent.name)));
  const held = row("held_by", "Held by", ours!, theirs!, [...new Set([...ours!, ...theirs!])], "everybody keeps their contacts");
  return [...handles, talks, held].filter((each) => previewWords(each.field, each.value) !== "–");
}

function row(field: string, label: string, survivor: PreviewValue, loser: PreviewValue, value: PreviewValue, rule: string): PreviewField {
  const alone = [survivor, loser].some((each) => Array.isArray(each) && each.length === 0);
  return { field, label, survivor, loser, value, rule: alone ? "only one side has it" : rule, choose: false };
}

function talkWords({ conversations, open_conversation }: PreviewSide): string {
  return `${conversations || "none"}${open_conversation ? ", one open" : ""}`;
}
