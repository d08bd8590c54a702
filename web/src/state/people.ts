/** Whom a task can be for: an agent or a queue. */
import type { Page } from "../client/api";
import type { Id, Task } from "../client/protocol";
import { rest } from "./rest";

/** An agent or a queue as one text, so that a list can offer both. */
export type Whom = `agent:${Id}` | `queue:${string}`;

export interface People { agents: { id: Id; name: string }[]; queues: { id: string; name: string }[] }

const ALL = "limit=200";

export async function fetchPeople(): Promise<People> {
  const [agents, queues] = await Promise.all([
    rest<Page<{ id: Id; name: string; role: string; active: boolean }>>(`agents?${ALL}`),
    rest<Page<{ id: string; name: string }>>(`queues?${ALL}`),
  ]);
  return { agents: agents.items.filter((each) => each.active && each.role !== "service"), queues: queues.items };
}

export const whomOf = (task: Task): Whom => (task.agent ? `agent:${task.agent.id}` : `queue:${task.queue ?? ""}`);

/** As requests name it. */
export function named(whom: Whom): { agent: Id } | { queue: string } {
  const [kind, id] = [whom.slice(0, 5), whom.slice(6)];
  return kind === "agent" ? { agent: id } : { queue: id };
}
