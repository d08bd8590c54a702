/** Our addresses on the providers, and what a reply from each may be. Read once per sign-in. */
import { effect, signal } from "@preact/signals";
import type { Page } from "../client/api";
import type { Account } from "../client/protocol";
import { rest } from "./rest";
import { agent } from "./store";

export const accounts = signal<ReadonlyMap<string, Account>>(new Map());

effect(() => {
  if (!agent.value) return;
  rest<Page<Account>>("accounts?limit=200").then(
    (page) => { accounts.value = new Map(page.items.map((each) => [each.id, each])); },
    // Without them the server still says what is wrong with a reply.
    () => undefined,
  );
});
