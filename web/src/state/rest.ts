/** The REST interface, as the agent who is signed in. What it changes comes back as events. */
import { call, type Page, type Request } from "../client/api";
import type { CustomerSummary } from "../client/protocol";
import { token } from "./store";

export const rest = <Answer>(path: string, request?: Request): Promise<Answer> => call<Answer>(token.value ?? "", path, request);

export async function searchCustomers(text: string, signal: AbortSignal): Promise<CustomerSummary[]> {
  const query = new URLSearchParams({ q: text, limit: "20" });
  return (await rest<Page<CustomerSummary>>(`customers?${query}`, { signal })).items;
}
