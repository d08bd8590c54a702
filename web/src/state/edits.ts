/** Changing what a profile says. Each throws why nothing was changed; what was changed arrives as an event. */
import { customerPath, type Page } from "../client/api";
import type { AddressValues, EditValue, HandleKind, Id, Instant, Task, Topic } from "../client/protocol";
import { uuid } from "../client/uuid";
import { announce } from "./announce";
import { attempt } from "./desk";
import { rest } from "./rest";
import { ask } from "./wire";

export const editValue = (customer: Id, field: string, value: EditValue, revision: number): Promise<unknown> =>
  ask({ type: "edit", customer, field, value, revision });

export const setTopics = (conversation: Id, topics: Id[]): Promise<boolean> => attempt(ask({ type: "topics", conversation, topics }));

export interface NewHandle { kind: HandleKind; value: string; label: string | null; scope?: string }
export type HandleChange = Partial<{ label: string | null; main: boolean; textable: boolean; shared: boolean; customer: Id }>;

export const addHandle = (customer: Id, { label, ...handle }: NewHandle): Promise<unknown> =>
  rest(customerPath(customer, "handles"), { method: "POST", body: { ...handle, ...(label && { label }) } });
export const changeHandle = (handle: Id, change: HandleChange): Promise<unknown> => rest(`handles/${handle}`, { method: "PATCH", body: change });
export const removeHandle = (handle: Id): Promise<unknown> => rest(`handles/${handle}`, { method: "DELETE" });

export const addAddress = (customer: Id, address: Partial<AddressValues>): Promise<unknown> =>
  rest(customerPath(customer, "addresses"), { method: "POST", body: address });
export const changeAddress = (address: Id, change: Partial<AddressValues> & { revision: number }): Promise<unknown> =>
  rest(`addresses/${address}`, { method: "PATCH", body: change });
export const removeAddress = (address: Id): Promise<unknown> => rest(`addresses/${address}`, { method: "DELETE" });

export const addDetail = (customer: Id, body: string): Promise<unknown> => ask({ type: "detail", customer, body, id: uuid() });
export const changeDetail = (detail: Id, body: string, revision: number): Promise<unknown> =>
  rest(`details/${detail}`, { method: "PATCH", body: { body, revision } });
export const removeDetail = (detail: Id): Promise<unknown> => rest(`details/${detail}`, { method: "DELETE" });

export type TaskChange = Partial<{ body: string; due_at: Instant | null; agent: Id; queue: string }>;
/** `revision`: of the task that was seen; somebody who was quicker is not overwritten. */
export async function changeTask(task: Id, change: TaskChange, revision: number): Promise<void> {
  await rest(`tasks/${task}`, { method: "PATCH", body: { ...change, revision } });
  announce("Task changed");
}
export const endTask = (task: Task, state: "done" | "cancelled"): Promise<boolean> => attempt(ask({ type: "end_task", task: task.id, state }));

export const addRelationship = (customer: Id, type: string, other: Id): Promise<unknown> =>
  rest(customerPath(customer, "relationships"), { method: "POST", body: { type, customer: other } });
export const removeRelationship = (relationship: Id): Promise<boolean> => attempt(rest(`relationships/${relationship}`, { method: "DELETE" }));
export const addPin = (customer: Id, entry: Id): Promise<boolean> => attempt(rest(customerPath(customer, "pins"), { method: "POST", body: { entry } }));
export const removePin = (pin: Id): Promise<boolean> => attempt(rest(`pins/${pin}`, { method: "DELETE" }));

export const refreshCards = (customer: Id): Promise<boolean> => attempt(rest(customerPath(customer, "cards/refresh"), { method: "POST" }));

export interface RelationshipType { id: string; label: string; back: string }
export const fetchRelationshipTypes = (): Promise<RelationshipType[]> => rest<Page<RelationshipType & { archived: boolean }>>("relationship-types").then(({ items }) => items.filter((type) => !type.archived));
export const fetchTopics = (): Promise<Topic[]> => rest<Page<Topic>>("topics").then(({ items }) => items.filter((topic) => !topic.archived));
