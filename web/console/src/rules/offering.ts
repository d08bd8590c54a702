/** What may be written at a place: by the schema, and by what there is in the company. */
import type { Place } from "./place";
import { namesAt, valuesAt, type Offered, type Schema, type Schemas } from "./schema";
import type { Words } from "./types";

const plain = (labels: readonly string[]): Offered[] => labels.map((label) => ({ label }));
const LISTED = ["in", "has_any", "has_all", "contains", "is"];

export function offered(place: Place, root: Schema, all: Schemas, words: Words | null): Offered[] {
  const named = place.path.filter((step): step is string => typeof step === "string");
  const last = named.at(-1) ?? "";
  if (place.what === "name") {
    if (words && (last === "skills" || last === "prefers")) return plain(words.skills);
    if (words && last === "given") return words.fields.map(fieldOffer);
    const names = namesAt(root, all, place.path).filter((each) => !(each.label in place.beside));
    return words ? fitting(names, place, words) : names;
  }
  return (words && ofCompany(last, named, place, words)) ?? valuesAt(root, all, place.path);
}

const fieldOffer = (field: Words["fields"][number]): Offered => ({ label: field.name, detail: field.meaning ?? field.kind });

/** Of the operators only those of the field's kind. */
function fitting(names: Offered[], place: Place, words: Words): Offered[] {
  const kind = words.fields.find((each) => each.name === place.beside["field"])?.kind;
  if (!kind) return names;
  return names.filter((each) => !(each.label in words.meanings) || words.operators[kind].includes(each.label));
}

function ofCompany(last: string, named: string[], place: Place, words: Words): Offered[] | null {
  if (last === "queue") return plain(words.queues);
  if (last === "field") return words.fields.map(fieldOffer);
  if (last === "sla") return plain(words.policies);
  if (last === "topics") return plain(words.topics);
  if (named.at(-2) === "agent" && last === "is") return [{ label: "last", detail: "who wrote or spoke with the customer last" }, ...plain(words.agents)];
  const about = named.at(-2) === "given" ? last : LISTED.includes(last) ? place.beside["field"] : undefined;
  const choices = words.fields.find((each) => each.name === about)?.choices;
  return choices?.length ? plain(choices) : null;
}
