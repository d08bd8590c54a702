/** The rules being written: the text, what is wrong with it, the draft on the server, and what is in force. */
import { computed, effect, signal } from "@preact/signals";
import type { Document } from "yaml";
import { Problem } from "../../../src/client/api";
import { ask, askIfThere, askTagged, sentence } from "../client";
import { mayEdit, said } from "../store";
import type { Schema, Schemas } from "./schema";
import { changed, read, written } from "./text";
import type { Checked, Draft, Finding, Version, WholeVersion, Words } from "./types";

export const text = signal("");
/** As the server has it: the draft's, or that of the version in force. */
export const kept = signal("");
export const draft = signal<(Draft & { tag: string | null }) | null>(null);
export const live = signal<WholeVersion | null>(null);
export const words = signal<Words | null>(null);
export const schema = signal<{ root: Schema; all: Schemas } | null>(null);
/** What lint said, and of which text. */
export const checked = signal<(Checked & { of: string }) | null>(null);
export const loading = signal<"no" | "yes" | "done">("no");
export const problem = signal<string | null>(null);
/** The draft is not the one that was read: theirs, or gone because it was published or dropped. */
export const conflict = signal<{ theirs: Draft | null } | null>(null);
export const selected = signal(0);
export const busy = signal<"save" | "publish" | null>(null);
/** A line to bring into view; `go`: with the cursor. */
export const shownLine = signal<{ line: number; go: boolean } | null>(null);

const EMPTY = "# The first rule that holds decides.\nrules: []\ncases: []\n";
const DEBOUNCE_MS = 350;
const LOOK_MS = 15_000;

export const parsed = computed(() => read(text.value));
export const dirty = computed(() => text.value !== kept.value);
export const findings = computed((): Finding[] => checked.value?.findings ?? []);
export const failing = computed(() => (checked.value?.cases ?? []).filter((each) => !each.passed));
const fresh = computed(() => checked.value?.of === text.value);

/** Why the draft cannot be published now; null when it can. */
export const whyNot = computed((): string | null => {
  const errors = findings.value.filter((each) => each.severity === "error").length;
  if (!mayEdit()) return "Only an administrator publishes rules.";
  if (busy.value) return "Wait a moment.";
  if (conflict.value) return "Settle first whose draft is to be kept.";
  if (!dirty.value && !draft.value) return "Nothing was changed: this is what is in force.";
  if (!fresh.value) return "Being checked.";
  const reasons = [
    errors && `${errors} lint ${errors === 1 ? "error" : "errors"}`,
    failing.value.length && `${failing.value.length} failing ${failing.value.length === 1 ? "test" : "tests"}: ${failing.value[0]!.name}`,
  ].filter(Boolean);
  return reasons.length ? `Not publishable: ${reasons.join(", ")}.` : null;
});

const asYaml = (source: { source: string; format: "json" | "yaml" }): string =>
  source.format === "yaml" ? source.source : written(JSON.parse(source.source));
export const sourceOf = asYaml;

export async function load(): Promise<void> {
  if (loading.value !== "no") return;
  loading.value = "yes";
  problem.value = null;
  try {
    await Promise.all([readDraft(), readLive(), readWords(), readSchema()]);
    startAt(draft.value ?? live.value);
    loading.value = "done";
  } catch (error) {
    problem.value = sentence(error);
    loading.value = "no";
  }
}

function startAt(from: { source: string; format: "json" | "yaml" } | null): void {
  kept.value = from ? asYaml(from) : EMPTY;
  text.value = kept.value;
}

async function readDraft(): Promise<void> {
  const found = await askIfThere<Draft>("rules/draft");
  draft.value = found && { ...found.body, tag: found.tag };
}

export async function readLive(): Promise<void> {
  const [newest] = (await ask<{ items: Version[] }>("rules/versions?limit=1")).items;
  live.value = newest ? await ask<WholeVersion>(`rules/versions/${newest.version}`) : null;
}

const readWords = async (): Promise<void> => { words.value = await ask<Words>("rules/words"); };

async function readSchema(): Promise<void> {
  const all = (await ask<{ components: { schemas: Schemas } }>("openapi.json")).components.schemas;
  if (all["RuleSet"]) schema.value = { root: all["RuleSet"], all };
}

/** A change of the form: the text, with everything else as it was. */
export function edit(change: (document: Document) => void): void {
  try {
    text.value = changed(text.peek(), change);
  } catch (error) {
    said.value = { text: sentence(error), bad: true };
  }
}

let asked = 0;

export async function check(): Promise<void> {
  const of = text.value;
  const turn = ++asked;
  const answer = await lint(of);
  if (turn === asked) checked.value = { ...answer, of };
}

async function lint(of: string): Promise<Checked> {
  try {
    return await ask<Checked>("rules/check", { method: "POST", yaml: of });
  } catch (error) {
    const line = /\(line (\d+)/.exec(sentence(error));
    const place = error instanceof Problem ? (error.field ?? "") : "";
    return { findings: [{ severity: "error", place, code: "unreadable", message: sentence(error), line: line ? Number(line[1]) : null }], cases: [] };
  }
}

/** Look at the text whenever it was left alone for a moment. */
export function followText(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = effect(() => {
    if (loading.value !== "done" || checked.peek()?.of === text.value) return;
    clearTimeout(timer);
    timer = setTimeout(() => void check(), DEBOUNCE_MS);
  });
  const looking = setInterval(() => void lookForOthers(), LOOK_MS);
  return () => {
    clearTimeout(timer);
    clearInterval(looking);
    stop();
  };
}

/** Has somebody else saved, published or dropped the draft? */
export async function lookForOthers(): Promise<void> {
  if (loading.value !== "done" || busy.value || conflict.value) return;
  try {
    const found = await askIfThere<Draft>("rules/draft");
    if (busy.value) return;
    const same = found ? found.body.revision === draft.value?.revision : draft.value === null;
    if (same) return;
    if (dirty.value) conflict.value = { theirs: found?.body ?? null };
    else await takeTheirs();
  } catch {
    // The next look tells; saving says what is wrong.
  }
}

/** Keep the text as the draft. False when it was not kept. */
export async function save(): Promise<boolean> {
  if (busy.value || conflict.value || !mayEdit()) return false;
  busy.value = "save";
  const of = text.value;
  try {
    if (!draft.value) {
      const appeared = await askIfThere<Draft>("rules/draft");
      if (appeared) {
        conflict.value = { theirs: appeared.body };
        return false;
      }
    }
    const answer = await askTagged<Draft>("rules/draft", { method: "PUT", yaml: of, seen: draft.value?.tag ?? null });
    draft.value = { ...answer.body, tag: answer.tag };
    kept.value = of;
    return true;
  } catch (error) {
    if (error instanceof Problem && error.status === 412) conflict.value = { theirs: (await askIfThere<Draft>("rules/draft"))?.body ?? null };
    else said.value = { text: sentence(error), bad: true };
    return false;
  } finally {
    busy.value = null;
  }
}

export async function publish(): Promise<boolean> {
  if (whyNot.value || ((dirty.value || !draft.value) && !(await save()))) return false;
  busy.value = "publish";
  try {
    const made = await ask<Version>("rules/draft/publish", { method: "POST", json: { revision: draft.value!.revision } });
    draft.value = null;
    await readLive();
    said.value = { text: `Version ${made.version} is in force.`, bad: false };
    return true;
  } catch (error) {
    if (error instanceof Problem && error.status === 409) conflict.value = { theirs: (await askIfThere<Draft>("rules/draft"))?.body ?? null };
    else said.value = { text: sentence(error), bad: true };
    return false;
  } finally {
    busy.value = null;
  }
}

/** Go on with what the server has; what was written here is left. */
export async function takeTheirs(): Promise<void> {
  await Promise.all([readDraft(), readLive()]);
  startAt(draft.value ?? live.value);
  conflict.value = null;
}

/** Go on with what was written here, on top of theirs: the next save takes its place. */
export async function keepMine(): Promise<void> {
  await Promise.all([readDraft(), readLive()]);
  kept.value = draft.value ? asYaml(draft.value) : live.value ? asYaml(live.value) : EMPTY;
  conflict.value = null;
}

/** Forget the draft: back to what is in force. */
export async function drop(): Promise<void> {
  try {
    if (draft.value) await ask("rules/draft", { method: "DELETE", seen: draft.value.tag });
    await takeTheirs();
  } catch (error) {
    if (error instanceof Problem && error.status === 412) conflict.value = { theirs: (await askIfThere<Draft>("rules/draft"))?.body ?? null };
    else said.value = { text: sentence(error), bad: true };
  }
}

/** Another version came into force. */
export async function afterRollBack(): Promise<void> {
  const untouched = !draft.value && !dirty.value;
  await readLive();
  if (untouched) startAt(live.value);
}
