/** The REST interface under /v1, as the one who is signed in; with revisions, and rules as YAML. */
import { NotSignedIn, Problem, Unreachable } from "../../src/client/api";
import { token } from "./store";

export interface Ask {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  json?: unknown;
  yaml?: string;
  /** The revision that was seen: refused when there is another by now. */
  seen?: string | null;
  as?: string;
}

export interface Tagged<Body> { body: Body; tag: string | null }

export async function askTagged<Body>(path: string, { method = "GET", json, yaml, seen, as }: Ask = {}): Promise<Tagged<Body>> {
  const headers: Record<string, string> = { Authorization: `Bearer ${as ?? token.value ?? ""}`, Accept: "application/json" };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (yaml !== undefined) headers["Content-Type"] = "application/yaml";
  if (seen) headers["If-Match"] = seen;
  const sent = yaml ?? (json === undefined ? undefined : JSON.stringify(json));
  let answer: Response;
  try {
    answer = await fetch(`/v1/${path}`, { method, headers, ...(sent !== undefined && { body: sent }) });
  } catch (cause) {
    throw new Unreachable("The server did not answer.", { cause });
  }
  if (answer.status === 401) {
    if (!as) token.value = null;
    throw new NotSignedIn("This token is not accepted. Check that it is whole and has not been withdrawn.");
  }
  if (!answer.ok) throw await problemOf(answer);
  return { body: (answer.status === 204 ? null : await answer.json()) as Body, tag: answer.headers.get("ETag") };
}

export const ask = async <Body>(path: string, how?: Ask): Promise<Body> => (await askTagged<Body>(path, how)).body;

/** Null where there is none. */
export async function askIfThere<Body>(path: string): Promise<Tagged<Body> | null> {
  try {
    return await askTagged<Body>(path);
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

interface Listed<Item> { items: Item[]; next: string | null }
const PAGE = 100;

/** Every item of a list. */
export async function askAll<Item>(path: string): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const query: string = new URLSearchParams({ limit: String(PAGE), ...(cursor && { cursor }) }).toString();
    const page: Listed<Item> = await ask<Listed<Item>>(`${path}${path.includes("?") ? "&" : "?"}${query}`);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor);
  return items;
}

async function problemOf(answer: Response): Promise<Problem> {
  const body = (await answer.json().catch(() => null)) as { detail?: unknown; field?: unknown } | null;
  const detail = typeof body?.detail === "string" ? body.detail : `The server answered ${answer.status}.`;
  return new Problem(detail, answer.status, typeof body?.field === "string" ? body.field : null);
}

export const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));
