/** A condition as rows: field, operator, value; groups of all, any, not. Each row knows its path in the text. */
import { Icon } from "../../../src/parts/Icon";
import { edit, words } from "../rules/state";
import { insert, prune, put, rename, wrap, type Path, type Plain, type PlainMap } from "../rules/text";
import type { RuleField } from "../rules/types";
import { amount, firstValue, groupOf, isMap, mapOf, SIGNS, textOf, textsOf, type Group } from "../view/rule";
import { Choice, Line, Words } from "./Inputs";

const TITLES: Record<Group, string> = { all: "all of these hold", any: "any of these holds", not: "this does not hold" };
const fieldNamed = (name: string): RuleField | undefined => words.value?.fields.find((each) => each.name === name);
const newTest = (): PlainMap => ({ field: "channel", is: fieldNamed("channel")?.choices[0] ?? "" });

export function When({ path, test, off }: { path: Path; test: Plain | undefined; off: boolean }) {
  const here = [...path, "when"];
  if (!isMap(test)) {
    return (
      <div class="when"><span class="label">When</span>
        <p class="quiet">Always: whatever no rule before it took.</p>
        {!off && <button type="button" class="link small" data-test="add-condition" onClick={() => edit((document) => put(document, here, newTest()))}>Add a condition</button>}
      </div>
    );
  }
  const group = groupOf(test);
  return (
    <div class="when" data-test="when">
      <span class="label">When {group ? TITLES[group] : "this holds"}</span>
      {group ? <Parts path={here} test={test} group={group} off={off} /> : <div class="cond"><Row path={here} test={test} off={off} /></div>}
      {!group && !off && (
        <button type="button" class="link small" data-test="add-condition" onClick={() => edit((document) => wrap(document, here, "all", newTest()))}>Add a condition</button>
      )}
    </div>
  );
}

function Parts({ path, test, group, off }: { path: Path; test: PlainMap; group: Group; off: boolean }) {
  const inner = test[group];
  const all = group === "not" ? [inner] : Array.isArray(inner) ? inner : [];
  return (
    <div class="cond" role="group" aria-label={TITLES[group]}>
      {all.map((each, index) => {
        const at = group === "not" ? [...path, "not"] : [...path, group, index];
        const deeper = isMap(each) ? groupOf(each) : null;
        if (!isMap(each)) return <p class="danger small" key={index}>Not a condition; correct it in the text.</p>;
        if (!deeper) return <Row key={index} path={at} test={each} off={off} />;
        return (
          <div class="cond-group" key={index}>
            <div class="cond-head">
              {deeper === "not" ? <span class="small strong">Not</span> : <Switch path={at} group={deeper} off={off} />}
              <span class="grow" />
              {!off && <Take label="Remove the group" onTake={() => edit((document) => prune(document, at))} />}
            </div>
            <Parts path={at} test={each} group={deeper} off={off} />
          </div>
        );
      })}
      {group !== "not" && !off && (
        <div class="cond-acts">
          <button type="button" class="link small" data-test="add-condition" onClick={() => edit((document) => insert(document, [...path, group], all.length, newTest()))}>Add a condition</button>
          {(["any", "all", "not"] as const).filter((each) => each !== group).map((each) => (
            <button key={each} type="button" class="link small" onClick={() => edit((document) => insert(document, [...path, group], all.length, each === "not" ? { not: newTest() } : { [each]: [newTest()] }))}>
              {each === "not" ? "“not”" : `group of ${each}`}
            </button>
          ))}
          {path.at(-1) === "when" && <Switch path={path} group={group} off={off} />}
        </div>
      )}
    </div>
  );
}

/** From all to any and back. */
function Switch({ path, group, off }: { path: Path; group: Group; off: boolean }) {
  const options: [string, string][] = [["all", "All of"], ["any", "Any of"]];
  return <Choice value={group} label="All or any" options={options} disabled={off} onChange={(to) => edit((document) => rename(document, path, group, to))} />;
}

function Take({ label, onTake }: { label: string; onTake: () => void }) {
  return <button type="button" class="take" aria-label={label} title={label} onClick={onTake}><Icon name="close" size={13} /></button>;
}

function Row({ path, test, off }: { path: Path; test: PlainMap; off: boolean }) {
  const name = textOf(test["field"]);
  const field = fieldNamed(name);
  const operator = Object.keys(test).find((each) => each !== "field") ?? "is";
  const possible = field ? (words.value?.operators[field.kind] ?? []) : Object.keys(SIGNS);
  const toField = (to: string) => edit((document) => {
    put(document, [...path, "field"], to);
    const kind = fieldNamed(to)?.kind;
    const allowed = kind ? (words.value?.operators[kind] ?? []) : [];
    if (kind && !allowed.includes(operator)) toOperator(document, allowed[0]!);
  });
  const toOperator = (document: Parameters<Parameters<typeof edit>[0]>[0], to: string) => {
    rename(document, path, operator, to);
    put(document, [...path, to], firstValue(to, test[operator]));
  };
  return (
    <div class="cond-row" data-test="condition">
      <Choice value={name} label="Field" options={(words.value?.fields ?? []).map((each) => each.name)} disabled={off} test="field" onChange={toField} />
      <Choice value={operator} label="Operator" options={possible.map((each): [string, string] => [each, SIGNS[each] ?? each])} disabled={off} test="operator" onChange={(to) => edit((document) => toOperator(document, to))} />
      <Value path={[...path, operator]} operator={operator} value={test[operator]} field={field} off={off} />
      {!off ? <Take label={`Remove the condition on ${name}`} onTake={() => edit((document) => prune(document, path))} /> : <span />}
    </div>
  );
}

function Value({ path, operator, value, field, off }: { path: Path; operator: string; value: Plain | undefined; field: RuleField | undefined; off: boolean }) {
  const set = (to: Plain) => edit((document) => put(document, path, to));
  const choices = field?.choices ?? [];
  if (["in", "has_any", "has_all"].includes(operator)) return <Words values={textsOf(value)} label="Values" list={choices} disabled={off} test="value" onChange={set} />;
  if (operator === "exists" || field?.kind === "yes_no") {
    return <Choice value={String(value)} label="Value" options={[["true", "yes"], ["false", "no"]]} disabled={off} test="value" onChange={(to) => set(to === "true")} />;
  }
  if (operator === "between") {
    const [low, high] = Array.isArray(value) ? value : [0, 1];
    return (
      <span class="pair">
        <Line value={textOf(low)} label="From" disabled={off} onInput={(to) => set([amount(to), high ?? 1])} />
        <Line value={textOf(high)} label="To" disabled={off} onInput={(to) => set([low ?? 0, amount(to)])} />
      </span>
    );
  }
  if (operator === "hours") return <span class="quiet small ellipsis" title={JSON.stringify(value)}>{textOf(mapOf(value)["time_zone"])}: days and times in the text</span>;
  if (operator === "is" && choices.length) return <Choice value={textOf(value)} label="Value" options={choices} disabled={off} test="value" onChange={set} />;
  const number = field?.kind === "number" || field?.kind === "money";
  return <Line value={textOf(value)} label="Value" list={choices} number={number} disabled={off} test="value" onInput={(to) => set(number ? amount(to) : to)} />;
}
