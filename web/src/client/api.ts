import type { CustomerSummary } from "./protocol";

/** The token is not accepted, or may not do this: sign in with another. */
export class NotSignedIn extends Error {}
/** The server answered with an error, or not at all. */
export class Unreachable extends Error {}

async function ask(path: string, token: string, init: RequestInit = {}): Promise<unknown> {
  let answer: Response;
  try {
    answer = await fetch(path, { ...init, headers: { Authorization: `Bearer ${token}`, Accept: "application/json" } });
  } catch (cause) {
    throw new Unreachable("The server did not answer.", { cause });
  }
  if (answer.status === 401) throw new NotSignedIn("This token is not accepted. Check that it is whole and has not been withdrawn.");
  if (answer.status === 403) throw new NotSignedIn(await problem(answer));
  if (!answer.ok) throw new Unreachable(await problem(answer));
  return answer.json();
}

async function problem(answer: Response): Promise<string> {
  const body: unknown = await answer.json().catch(() => null);
  if (body && typeof body === "object" && "detail" in body && typeof body.detail === "string") return body.detail;
  return `The server answered ${answer.status}.`;
}

export async function fetchTicket(token: string): Promise<string> {
  const body = (await ask("/v1/tickets", token, { method: "POST" })) as { ticket: string };
  return body.ticket;
}

export async function searchCustomers(token: string, text: string, signal: AbortSignal): Promise<CustomerSummary[]> {
  const path = `/v1/customers?q=${encodeURIComponent(text)}`;
  const body = (await ask(path, token, { signal })) as { items: CustomerSummary[] };
  return body.items;
}
