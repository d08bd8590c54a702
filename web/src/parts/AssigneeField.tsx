import { useEffect, useState } from "preact/hooks";
import { fetchPeople, type People, type Whom } from "../state/people";
import { agent } from "../state/store";

/** Whom a task is for: oneself, a colleague, a queue. `known` names who it is for before the lists are there. */
export function AssigneeField({ value, known, onChange }: { value: Whom; known?: string | undefined; onChange: (whom: Whom) => void }) {
  const [people, setPeople] = useState<People | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => void fetchPeople().then(setPeople, () => setFailed(true)), []);
  const mine: Whom = `agent:${agent.value?.id ?? ""}`;
  const colleagues = people?.agents.filter((each) => each.id !== agent.value?.id) ?? [];
  const queues = people?.queues ?? [];
  const offered = [mine, ...colleagues.map((each) => `agent:${each.id}`), ...queues.map((each) => `queue:${each.id}`)];
  return (
    <label class="due-field">
      <span>For</span>
      <select class="field" value={value} data-test="task-for" onChange={(event) => onChange(event.currentTarget.value as Whom)}>
        <option value={mine}>Me</option>
        {!offered.includes(value) && <option value={value}>{known ?? value.slice(6)}</option>}
        {colleagues.length > 0 && <optgroup label="Colleagues">{colleagues.map((each) => <option key={each.id} value={`agent:${each.id}`}>{each.name}</option>)}</optgroup>}
        {queues.length > 0 && <optgroup label="Queues">{queues.map((each) => <option key={each.id} value={`queue:${each.id}`}>{each.name}</option>)}</optgroup>}
        {failed && <option disabled>Colleagues and queues could not be read</option>}
      </select>
    </label>
  );
}
