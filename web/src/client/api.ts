import type { Id } from "./protocol";

/** The token is not accepted: sign in with another. */
export class NotSignedIn extends Error {}
/** The server answered with an error, or not at all. */
export class Unreachable extends Error {}

/** The server refused a request; the message says what to do, `field` what was at fault. */
export class Problem extends Unreachable {
  constructor(message: string, readonly status: number, readonly field: string | null) {
    super(message);
  }
}

export interface Page<Item> { items: Item[]; next: string | null }

export interface Request {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: unknown;
  signal?: AbortSignal;
}

/** Ask the REST interface under /v1. Without a body in the answer, null. */
export async function call<Answer>(token: string, path: string, { method = "GET", body, signal }: Request = {}): Promise<Answer> {
  const headers: Record<string, string> = { Authorization: `Bearer ${token}`, Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(`/v1/${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }), ...(signal && { signal }) });
  } catch (cause) {
    throw new Unreachable("The server did not answer.", { cause });
  }
  if (answer.status === 401) throw new NotSignedIn("This token is not accepted. Check that it is whole and has not been withdrawn.");
  if (!answer.ok) throw await problem(answer);
  return (answer.status === 204 ? null : await answer.json()) as Answer;
}

/** The bytes of a file under /v1. */
export async function fetchFile(token: string, path: string): Promise<Blob> {
  let answer: Response;
  try {
    answer = await fetch(`/v1/${path}`, { headers: { Authorization: `Bearer ${token}` } });
  } catch (cause) {
    throw new Unreachable("The server did not answer.", { cause });
  }
  if (!answer.ok) throw await problem(answer);
  return answer.blob();
}

/** Send a file up; its id goes into a reply. */
export async function upload(token: string, file: File): Promise<{ id: Id }> {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": file.type || "application/octet-stream" };
  let answer: Response;
  try {
    answer = await fetch(`/v1/attachments?${new URLSearchParams({ name: file.name })}`, { method: "POST", headers, body: file });
  } catch (cause) {
    throw new Unreachable("The server did not answer.", { cause });
  }
  if (!answer.ok) throw await problem(answer);
  return (await answer.json()) as { id: Id };
}

async function problem(answer: Response): Promise<Problem> {
  const body = (await answer.json().catch(() => null)) as { detail?: unknown; field?: unknown } | null;
  const detail = typeof body?.detail === "string" ? body.detail : `The server answered ${answer.status}.`;
  return new Problem(detail, answer.status, typeof body?.field === "string" ? body.field : null);
}

export async function fetchTicket(token: string): Promise<string> {
  try {
    return (await call<{ ticket: string }>(token, "tickets", { method: "POST" })).ticket;
  } catch (error) {
    if (error instanceof Problem && error.status === 403) throw new NotSignedIn(error.message);
    throw error;
  }
}

/** Path of a customer or of something that belongs to one. */
export const customerPath = (customer: Id, rest = ""): string => `customers/${customer}${rest && `/${rest}`}`;
