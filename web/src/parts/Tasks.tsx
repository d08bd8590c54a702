import { useState } from "preact/hooks";
import type { Id, Task } from "../client/protocol";
import { endTask } from "../state/edits";
import { minute, reachable } from "../state/store";
import { dueWords, fullWhen, shortDay } from "../view/format";
import { Icon } from "./Icon";
import { Section } from "./Section";
import { AddTask, EditTask, whoseWords } from "./TaskForm";

const ENDED_SHOWN = 2;

export function Tasks({ customer, tasks }: { customer: Id; tasks: readonly Task[] }) {
  const open = tasks.filter((task) => task.state === "open");
  const ended = tasks.filter((task) => task.state !== "open").slice(0, ENDED_SHOWN);
  return (
    <Section id="tasks" title="Tasks" addLabel="Add a task" add={(close) => <AddTask customer={customer} onClose={close} />}>
      {open.length === 0 && <p class="none">No open tasks.</p>}
      <ul>{[...open, ...ended].map((task) => <TaskRow key={task.id} task={task} />)}</ul>
    </Section>
  );
}

function TaskRow({ task }: { task: Task }) {
  const [editing, setEditing] = useState(false);
  if (editing) return <li class="task-edit" data-test="task" data-task={task.id} data-state={task.state}><EditTask task={task} onClose={() => setEditing(false)} /></li>;
  const ended = task.state !== "open";
  const words = (
    <>
      <span dir="auto" class="block task-body">{task.body}</span>
      <span class="by" title={`Added by ${task.by?.name ?? "a rule"}, ${fullWhen(task.at)}`}>{ended ? endedWords(task) : <Standing task={task} />}</span>
    </>
  );
  return (
    <li class={`task-row ${ended ? "done" : ""}`} data-test="task" data-task={task.id} data-state={task.state}>
      <input type="checkbox" checked={task.state === "done"} disabled={ended || !reachable.value} aria-label={`Done: ${task.body}`} data-test="task-done"
        onChange={() => void endTask(task, "done")} />
      {ended ? <span class="grow">{words}</span> : (
        <button type="button" class="value block-value grow" disabled={!reachable.value} title="Edit this task" data-test="task-edit" onClick={() => setEditing(true)}>{words}</button>
      )}
      {!ended && (
        <button type="button" class="row-more" disabled={!reachable.value} aria-label={`Not to be done: ${task.body}`} title="Not to be done after all" data-test="task-cancel"
          onClick={() => void endTask(task, "cancelled")}><Icon name="close" size={12} /></button>
      )}
    </li>
  );
}

function Standing({ task }: { task: Task }) {
  const overdue = task.due_at !== null && Date.parse(task.due_at) < minute.value;
  return <>{task.due_at && <span class={overdue ? "danger" : "warn"}>{dueWords(task.due_at, minute.value)} · </span>}{whoseWords(task)}</>;
}

function endedWords(task: Task): string {
  const by = task.ended_by ? ` by ${task.ended_by.name}` : "";
  return `${task.state === "done" ? "Done" : "Dropped"}${by}${task.ended_at ? `, ${shortDay(task.ended_at, minute.value)}` : ""}`;
}
