/** Which customers this agent looked at last, on any screen: the server remembers. */
import type { CustomerSummary } from "../client/protocol";
import { ask } from "./wire";

/** Newest first; empty while it cannot be asked. */
export async function fetchRecent(): Promise<CustomerSummary[]> {
  try {
    const answer = await ask({ type: "recent" });
    return (answer.type === "result" && answer.customers) || [];
  } catch {
    return [];
  }
}
