/** Files chosen for a reply, per customer: sent up at once, named by the reply. */
import { signal } from "@preact/signals";
import { upload } from "../client/api";
import type { Id } from "../client/protocol";
import { uuid } from "../client/uuid";
import { token } from "./store";

export interface Upload { key: string; name: string; content_type: string; size: number; id: Id | null; problem: string | null }

export const uploads = signal<Readonly<Record<Id, Upload[]>>>({});
export const uploadsOf = (customer: Id): Upload[] => uploads.value[customer] ?? [];

function put(customer: Id, files: Upload[]): void {
  const { [customer]: _, ...rest } = uploads.value;
  uploads.value = files.length > 0 ? { ...rest, [customer]: files } : rest;
}

export async function addFile(customer: Id, file: File): Promise<void> {
  const chosen: Upload = { key: uuid(), name: file.name, content_type: file.type || "application/octet-stream", size: file.size, id: null, problem: null };
  put(customer, [...uploadsOf(customer), chosen]);
  const settle = (change: Partial<Upload>) => put(customer, uploadsOf(customer).map((each) => (each.key === chosen.key ? { ...each, ...change } : each)));
  try {
    settle({ id: (await upload(token.value ?? "", file)).id });
  } catch (error) {
    settle({ problem: error instanceof Error ? error.message : String(error) });
  }
}

export function dropFile(customer: Id, key: string): void {
  put(customer, uploadsOf(customer).filter((each) => each.key !== key));
}

/** Take what is to go with the reply that leaves now. */
export function takeFiles(customer: Id): Upload[] {
  const files = uploadsOf(customer).filter((each) => each.id !== null);
  put(customer, []);
  return files;
}
