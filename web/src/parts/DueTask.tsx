import type { Task } from "../client/protocol";
import { open } from "../state/desk";
import { minute } from "../state/store";
import { dayKey, shortDay, time } from "../view/format";
import { Icon } from "./Icon";

/** A task of the agent that is due today or overdue; it leads to its customer. */
export function DueTask({ task, tabbable }: { task: Task & { due_at: string }; tabbable: boolean }) {
  const overdue = Date.parse(task.due_at) < minute.value;
  const when = dayKey(task.due_at) === dayKey(minute.value) ? time(task.due_at) : shortDay(task.due_at, minute.value);
  return (
    <button type="button" class="held" tabIndex={tabbable ? 0 : -1} data-test="due-task" data-task={task.id}
      title={`${task.body}, ${task.customer_name ?? "unknown customer"}, due ${when}`} onClick={() => void open(task.customer, task.customer_name)}>
      <span class="avatar tint-task"><Icon name="task" /></span>
      <span class="held-text">
        <span class="held-line"><bdi class="ellipsis held-name">{task.body}</bdi><time class={overdue ? "danger" : ""} dateTime={task.due_at}>{when}</time></span>
        <span class="held-line quiet"><bdi class="ellipsis">{task.customer_name ?? "Unknown customer"}</bdi></span>
      </span>
    </button>
  );
}
