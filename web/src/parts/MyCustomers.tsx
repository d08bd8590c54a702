import { dueBefore, groupHeld } from "../state/agent";
import { current, mine, minute } from "../state/store";
import { endOfDay } from "../view/format";
import { DueTask } from "./DueTask";
import { MyCustomersItem } from "./MyCustomersItem";

const WORDS = { attention: "Needs attention", open: "Open", parked: "Parked" } as const;

export function MyCustomers() {
  const held = mine.value?.held ?? new Map();
  const groups = groupHeld(held);
  const order = [...groups.attention, ...groups.open, ...groups.parked];
  const due = dueBefore(mine.value?.tasks ?? new Map(), endOfDay(minute.value));
  const first = order.find((each) => each.customer === current.value) ?? order[0];
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.altKey) return;
    event.preventDefault();
    const items = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>(".held")];
    items[items.indexOf(document.activeElement as HTMLElement) + step]?.focus();
  };
  return (
    <nav class="mine" aria-label="My Customers" data-test="my-customers" onKeyDown={onKeyDown}>
      {order.length + due.length === 0 && (
        <>
          <h2>My Customers <span>0</span></h2>
          <p class="mine-empty">Customers you hold appear here, those who need you first.</p>
        </>
      )}
      {(["attention", "open", "parked"] as const).map((group) => groups[group].length > 0 && (
        <section key={group} data-test={`group-${group}`}>
          <h2>{WORDS[group]} <span>{groups[group].length}</span></h2>
          {groups[group].map((each) => <MyCustomersItem key={each.contact} held={each} tabbable={each === first} />)}
        </section>
      ))}
      {due.length > 0 && (
        <section data-test="group-tasks">
          <h2>Tasks due today <span>{due.length}</span></h2>
          {due.map((task, at) => <DueTask key={task.id} task={task} tabbable={order.length === 0 && at === 0} />)}
        </section>
      )}
    </nav>
  );
}
