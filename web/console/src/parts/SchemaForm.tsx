/** Fields made from a JSON Schema, so that what the server adds can be set here at once. */
import { useEffect } from "preact/hooks";
import { signal } from "@preact/signals";
import { ask } from "../client";
import type { Schemas } from "../rules/schema";
import { Choice, Labelled, Line } from "./Inputs";

interface Ranged { type?: string; enum?: unknown[]; minimum?: number; maximum?: number; anyOf?: Ranged[]; default?: unknown }

const schemas = signal<Schemas | null>(null);

/** The schemas of REST's bodies, asked once. */
export function useSchemas(): Schemas | null {
  useEffect(() => {
    if (!schemas.value) void ask<{ components: { schemas: Schemas } }>("openapi.json").then((found) => { schemas.value = found.components.schemas; }, () => undefined);
  }, []);
  return schemas.value;
}

export const titleOf = (name: string): string => name.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());

export function SchemaForm({ of, all, value, onChange, off }: {
  of: string; all: Schemas; value: Record<string, unknown>; onChange: (change: Record<string, unknown>) => void; off: boolean;
}) {
  const properties = (all[of]?.properties ?? {}) as unknown as Record<string, Ranged>;
  return (
    <div class="schema-form">
      {Object.entries(properties).map(([name, schema]) => {
        const kind = schema.anyOf?.find((each) => each.type !== "null") ?? schema;
        const now = value[name] ?? schema.default ?? "";
        if (kind.type === "boolean") {
          return <label class="check" key={name}><input type="checkbox" checked={now === true} disabled={off} data-test={`field-${name}`} onChange={(event) => onChange({ [name]: event.currentTarget.checked })} />{titleOf(name)}</label>;
        }
        if (kind.enum) {
          const options = kind.enum.filter((each): each is string => typeof each === "string").map((each): [string, string] => [each, titleOf(each)]);
          return <Labelled key={name} label={titleOf(name)}><Choice value={String(now)} label={titleOf(name)} options={options} disabled={off} test={`field-${name}`} onChange={(to) => onChange({ [name]: to })} /></Labelled>;
        }
        const number = kind.type === "integer" || kind.type === "number";
        const range = number && kind.minimum !== undefined && kind.maximum !== undefined ? `${kind.minimum} to ${kind.maximum.toLocaleString("en-GB")}` : undefined;
        return (
          <Labelled key={name} label={titleOf(name)} hint={range}>
            <Line value={String(now)} label={titleOf(name)} number={number} disabled={off} test={`field-${name}`} onInput={(to) => onChange({ [name]: number && /^-?\d+$/.test(to) ? Number(to) : to })} />
          </Labelled>
        );
      })}
    </div>
  );
}
