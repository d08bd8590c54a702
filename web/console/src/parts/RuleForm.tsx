/** The selected rule as a form; every change is a change of the text. */
import type { ComponentChildren } from "preact";
import { Icon } from "../../../src/parts/Icon";
import { edit, parsed, selected, words } from "../rules/state";
import { put, type Path, type Plain, type PlainMap } from "../rules/text";
import { mayEdit } from "../store";
import { amount, isMap, mapOf, textOf, textsOf } from "../view/rule";
import { When } from "./Condition";
import { Choice, Labelled, Levels, Line, Words } from "./Inputs";

/** Parts that most rules do without, and how each begins. */
const MORE: [string, string, Plain][] = [
  ["tags", "Tags", []], ["topics", "Topics", []], ["skills", "Skills", {}], ["prefers", "Preferred skills", {}],
  ["steps", "While it waits", [{ after: "60s", priority: 0 }]], ["agent", "One agent first", { is: "last", wait: "60s" }], ["sla", "Promised times", ""],
  ["reply", "Answer", { text: "Hello {name|there}." }], ["task", "Task", { text: "Call back" }], ["close", "No work for agents", true], ["voicemail", "Voicemail", true],
];

export function RuleForm() {
  const rule = parsed.value.rules?.[selected.value];
  const off = !mayEdit();
  if (!rule) {
    const fault = parsed.value.fault;
    return (
      <section class="pane" aria-label="Rule as form"><div class="pane-head">Rule</div>
        <div class="blank">{fault
          ? <p role="status" data-test="fault">The text cannot be read at line {fault.line}: {fault.message} Correct it there; the form comes back by itself.</p>
          : <p>No rule yet. Add one on the left or write it in the text.</p>}
        </div>
      </section>
    );
  }
  const path: Path = ["rules", selected.value];
  const set = (part: string, value: Plain | undefined) => edit((document) => put(document, [...path, part], value));
  const missing = MORE.filter(([part]) => !(part in rule));
  return (
    <section class="pane" aria-label="Rule as form">
      <div class="pane-head">Rule {selected.value + 1}<span class="grow" />{off && <span class="plain">only administrators change rules</span>}</div>
      <div class="form" data-test="rule-form" key={selected.value}>
        <Labelled label="Name"><Line value={textOf(rule["name"])} label="Name" test="rule-name" disabled={off} onInput={(to) => set("name", to)} /></Labelled>
        <When path={path} test={rule["when"]} off={off} />
        <div class="two">
          <Labelled label="Queue"><Choice value={textOf(rule["queue"])} empty="none" label="Queue" test="queue" disabled={off} options={words.value?.queues ?? []} onChange={(to) => set("queue", to || undefined)} /></Labelled>
          <Labelled label="Priority, −100 to 100"><Line value={textOf(rule["priority"] ?? 0)} number label="Priority" test="priority" disabled={off} onInput={(to) => set("priority", amount(to))} /></Labelled>
        </div>
        <More rule={rule} path={path} off={off} />
        {!off && missing.length > 0 && (
          <div class="adds" role="group" aria-label="Add to this rule"><span class="quiet small">Add</span>
            {missing.map(([part, title, first]) => <button key={part} type="button" class="link small" data-test={`add-${part}`} onClick={() => set(part, first)}>{title}</button>)}
          </div>
        )}
      </div>
    </section>
  );
}

function More({ rule, path, off }: { rule: PlainMap; path: Path; off: boolean }) {
  const at = (...rest: (string | number)[]) => (value: Plain | undefined) => edit((document) => put(document, [...path, ...rest], value));
  const known = words.value;
  const drop = (part: string) => (off ? undefined : () => at(part)(undefined));
  const agent = mapOf(rule["agent"]), reply = mapOf(rule["reply"]), task = mapOf(rule["task"]);
  return (
    <>
      {"skills" in rule && <Part title="Skills an agent must have" onDrop={drop("skills")}><Levels levels={mapOf(rule["skills"])} label="Skills" known={known?.skills ?? []} test="skills" disabled={off} onChange={at("skills")} /></Part>}
      {"prefers" in rule && <Part title="Preferred skills" onDrop={drop("prefers")}><Levels levels={mapOf(rule["prefers"])} label="Preferred skills" known={known?.skills ?? []} disabled={off} onChange={at("prefers")} /></Part>}
      {Array.isArray(rule["steps"]) && <Part title="While it waits" onDrop={drop("steps")}><Steps steps={rule["steps"]} path={[...path, "steps"]} off={off} /></Part>}
      {"agent" in rule && (
        <Part title="One agent first" onDrop={drop("agent")}>
          <div class="three">
            <Labelled label="Who"><Line value={textOf(agent["is"])} label="Who" list={["last", ...(known?.fields.map((each) => each.name).filter((each) => each.startsWith("fields.")) ?? [])]} disabled={off} onInput={at("agent", "is")} /></Labelled>
            <Labelled label="If no longer ago than"><Line value={textOf(agent["within"])} label="Within" placeholder="any time" disabled={off} onInput={(to) => at("agent", "within")(to || undefined)} /></Labelled>
            <Labelled label="Waits"><Line value={textOf(agent["wait"] ?? "60s")} label="Wait" disabled={off} onInput={at("agent", "wait")} /></Labelled>
          </div>
        </Part>
      )}
      {"sla" in rule && <Part title="Promised times" onDrop={drop("sla")}><Choice value={textOf(rule["sla"])} label="Policy" options={known?.policies ?? []} disabled={off} onChange={at("sla")} /></Part>}
      {"tags" in rule && <Part title="Tags for the customer" onDrop={drop("tags")}><Words values={textsOf(rule["tags"])} label="Tags" test="tags" disabled={off} onChange={at("tags")} /></Part>}
      {"topics" in rule && <Part title="Topics for the conversation" onDrop={drop("topics")}><Words values={textsOf(rule["topics"])} label="Topics" list={known?.topics ?? []} disabled={off} onChange={at("topics")} /></Part>}
      {"reply" in rule && (
        <Part title="Answer sent by itself" onDrop={drop("reply")}>
          <textarea class="field area" rows={3} aria-label="Answer" value={textOf(reply["text"])} disabled={off} onInput={(event) => at("reply", "text")(event.currentTarget.value)} />
          <span class="quiet small">{"{name|there}"} holds the customer's value, or what stands after the bar.</span>
        </Part>
      )}
      {"task" in rule && (
        <Part title="Task" onDrop={drop("task")}>
          <Labelled label="What"><Line value={textOf(task["text"])} label="Task" disabled={off} onInput={at("task", "text")} /></Labelled>
          <div class="two">
            <Labelled label="Due after"><Line value={textOf(task["due"])} label="Due after" placeholder="whenever" disabled={off} onInput={(to) => at("task", "due")(to || undefined)} /></Labelled>
            <Labelled label="Queue"><Choice value={textOf(task["queue"])} empty="the rule's" label="Queue of the task" options={known?.queues ?? []} disabled={off} onChange={(to) => at("task", "queue")(to || undefined)} /></Labelled>
          </div>
        </Part>
      )}
      {"close" in rule && <Check title="No work for agents: the contact is closed" checked={rule["close"] === true} off={off} onChange={(to) => at("close")(to || undefined)} />}
      {"voicemail" in rule && <Check title="A caller may leave word; no agent is asked" checked={rule["voicemail"] === true} off={off} onChange={(to) => at("voicemail")(to || undefined)} />}
    </>
  );
}

function Check({ title, checked, off, onChange }: { title: string; checked: boolean; off: boolean; onChange: (to: boolean) => void }) {
  return <label class="check"><input type="checkbox" checked={checked} disabled={off} onChange={(event) => onChange(event.currentTarget.checked)} />{title}</label>;
}

function Part({ title, onDrop, children }: { title: string; onDrop: (() => void) | undefined; children: ComponentChildren }) {
  return (
    <div class="part" role="group" aria-label={title}>
      <div class="part-head"><span class="label">{title}</span>{onDrop && <button type="button" class="take" aria-label={`Remove: ${title}`} onClick={onDrop}><Icon name="close" size={13} /></button>}</div>
      {children}
    </div>
  );
}

/** What it asks for later, each step replacing what it names. */
function Steps({ steps, path, off }: { steps: Plain[]; path: Path; off: boolean }) {
  const set = (index: number, part: string, value: Plain | undefined) => edit((document) => put(document, [...path, index, part], value));
  return (
    <div class="steps">
      {steps.map((each, index) => {
        const step = isMap(each) ? each : {};
        return (
          <div class="step" key={index} role="group" aria-label={`Step ${index + 1}`}>
            <div class="three">
              <Labelled label="After"><Line value={textOf(step["after"])} label="After" disabled={off} onInput={(to) => set(index, "after", to)} /></Labelled>
              <Labelled label="Queue"><Choice value={textOf(step["queue"])} empty="as before" label="Queue" options={words.value?.queues ?? []} disabled={off} onChange={(to) => set(index, "queue", to || undefined)} /></Labelled>
              <Labelled label="Priority"><Line value={textOf(step["priority"])} number placeholder="as before" label="Priority" disabled={off} onInput={(to) => set(index, "priority", to === "" ? undefined : amount(to))} /></Labelled>
            </div>
            {"skills" in step
              ? <Levels levels={mapOf(step["skills"])} label="Skills from then on" known={words.value?.skills ?? []} disabled={off} onChange={(to) => set(index, "skills", to)} />
              : !off && <button type="button" class="link small" onClick={() => set(index, "skills", {})}>Other skills from then on</button>}
            {!off && <button type="button" class="take" aria-label={`Remove step ${index + 1}`} onClick={() => edit((document) => put(document, [...path, index], undefined))}><Icon name="close" size={13} /></button>}
          </div>
        );
      })}
      {!off && <button type="button" class="link small" onClick={() => edit((document) => put(document, [...path, steps.length], { after: later(steps), priority: 0 }))}>Add a step</button>}
    </div>
  );
}

/** A minute after the last step, where that is in seconds or minutes. */
function later(steps: Plain[]): string {
  const found = /^(\d+)([sm])$/.exec(textOf(mapOf(steps.at(-1))["after"]));
  if (!found) return "10m";
  return found[2] === "s" ? `${Number(found[1]) + 60}s` : `${Number(found[1]) + 1}m`;
}
