import { useState } from "preact/hooks";
import { Problem as Refusal } from "../client/api";
import { MAX_TASK, type Id, type Task } from "../client/protocol";
import { uuid } from "../client/uuid";
import { addTask } from "../state/compose";
import { changeTask, type TaskChange } from "../state/edits";
import { named, whomOf, type Whom } from "../state/people";
import { agent, minute } from "../state/store";
import { dueWords, midSentence } from "../view/format";
import { useAct } from "../view/useAct";
import { AssigneeField } from "./AssigneeField";
import { DueField, instantOf, localOf } from "./DueField";
import { InlineForm } from "./InlineForm";
import { Problem } from "./Problem";

interface Draft { body: string; due: string; whom: Whom }

/** Whose task it is, in words. */
export function whoseWords({ agent: whose, queue }: Task): string {
  if (!whose) return `queue ${queue}`;
  return whose.id === agent.value?.id ? "you" : whose.name;
}

export function AddTask({ customer, onClose }: { customer: Id; onClose: () => void }) {
  const [draft, setDraft] = useState<Draft>({ body: "", due: "", whom: `agent:${agent.value?.id ?? ""}` });
  const [id] = useState(uuid);
  const act = useAct();
  return (
    <InlineForm act={act} label="Task" verb="Add" ready={draft.body.trim() !== ""} test="task-form" onCancel={onClose}
      onSubmit={() => void act.run(() => addTask({ customer, body: draft.body, due: instantOf(draft.due), whom: draft.whom, id }), onClose)}>
      <Terms draft={draft} onDraft={setDraft} />
    </InlineForm>
  );
}

/** `task` follows what colleagues do; what was typed is kept beside it. */
export function EditTask({ task, onClose }: { task: Task; onClose: () => void }) {
  const [seen] = useState(task);
  const [draft, setDraft] = useState(() => draftOf(task));
  const [conflict, setConflict] = useState(false);
  const act = useAct();
  const change = changed(draftOf(seen), draft);
  const save = (revision: number) => void act.run(async () => {
    setConflict(false);
    try {
      if (Object.keys(change).length > 0) await changeTask(task.id, change, revision);
    } catch (error) {
      setConflict(error instanceof Refusal && error.status === 409);
      throw error;
    }
  }, onClose);
  const problem = conflict && act.problem ? (
    <Problem>
      <span data-test="conflict">{task.revision > seen.revision ? conflictWords(task) : act.problem}</span>
      <span class="inline-actions">
        <button type="button" class="button small" data-test="save-mine" disabled={act.busy} onClick={() => save(task.revision)}>Save mine</button>
        <button type="button" class="button quiet small" data-test="take-theirs" onClick={onClose}>Keep theirs</button>
      </span>
    </Problem>
  ) : undefined;
  return (
    <InlineForm act={act} label="Edit the task" ready={draft.body.trim() !== ""} problem={problem} test="task-form" onCancel={onClose} onSubmit={() => save(seen.revision)}>
      <Terms draft={draft} known={task.agent?.name} onDraft={setDraft} />
    </InlineForm>
  );
}

function Terms({ draft, known, onDraft }: { draft: Draft; known?: string | undefined; onDraft: (draft: Draft) => void }) {
  return (
    <>
      <input class="field" dir="auto" aria-label="What is to be done" placeholder="What is to be done" value={draft.body} maxLength={MAX_TASK} data-test="task-body" onInput={(event) => onDraft({ ...draft, body: event.currentTarget.value })} />
      <div class="task-terms">
        <AssigneeField value={draft.whom} known={known} onChange={(whom) => onDraft({ ...draft, whom })} />
        <DueField value={draft.due} onChange={(due) => onDraft({ ...draft, due })} />
      </div>
    </>
  );
}

const draftOf = (task: Task): Draft => ({ body: task.body, due: localOf(task.due_at), whom: whomOf(task) });

/** Only what the agent changed goes out: the rest stays as a colleague may have left it. */
function changed(before: Draft, after: Draft): TaskChange {
  return {
    ...(after.body.trim() !== before.body && { body: after.body.trim() }),
    ...(after.due !== before.due && { due_at: instantOf(after.due) }),
    ...(after.whom !== before.whom && named(after.whom)),
  };
}

function conflictWords(task: Task): string {
  const ended = { open: "", done: " It is done.", cancelled: " It was dropped." }[task.state];
  const due = task.due_at ? `due ${midSentence(dueWords(task.due_at, minute.value))}` : "without a date";
  return `Somebody was quicker: “${task.body}”, ${due}, for ${whoseWords(task)}.${ended} What you typed is kept.`;
}
