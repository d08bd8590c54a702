/** What may stand where in a rule set, from its JSON Schema. */
import type { Path } from "./text";

export interface Schema {
  $ref?: string;
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema | false;
  anyOf?: Schema[];
  additionalProperties?: Schema | boolean;
  enum?: unknown[];
  const?: unknown;
}
export type Schemas = Record<string, Schema>;

/** The schemas a part may be of: references followed, alternatives side by side. */
function open(schema: Schema | undefined, all: Schemas): Schema[] {
  if (!schema) return [];
  if (schema.$ref) return open(all[schema.$ref.split("/").at(-1)!], all);
  if (schema.anyOf) return schema.anyOf.flatMap((each) => open(each, all));
  return [schema];
}

export function schemasAt(root: Schema, all: Schemas, path: Path): Schema[] {
  let here = open(root, all);
  for (const step of path) {
    here = here.flatMap((each) => {
      if (typeof step === "number") return each.items ? open(each.items, all) : [];
      const known = each.properties?.[step];
      if (known) return open(known, all);
      return typeof each.additionalProperties === "object" ? open(each.additionalProperties, all) : [];
    });
  }
  return here;
}

export interface Offered { label: string; detail?: string; list?: boolean }

/** Names of the parts that may stand here. */
export function namesAt(root: Schema, all: Schemas, path: Path): Offered[] {
  return schemasAt(root, all, path).flatMap((each) =>
    Object.entries(each.properties ?? {}).map(([label, inner]) => {
      const kinds = open(inner, all);
      const detail = inner.description ?? kinds[0]?.description;
      return { label, ...(detail && { detail: detail.split("\n")[0] }), list: kinds.some((kind) => kind.type === "array" || kind.type === "object") };
    }));
}

/** The values that may stand here, where they are few. */
export function valuesAt(root: Schema, all: Schemas, path: Path): Offered[] {
  return schemasAt(root, all, path).flatMap((each) => {
    if (each.type === "boolean") return [{ label: "true" }, { label: "false" }];
    return [...(each.enum ?? []), ...(each.const === undefined ? [] : [each.const])].filter((one) => typeof one === "string").map((label) => ({ label: label as string }));
  });
}
