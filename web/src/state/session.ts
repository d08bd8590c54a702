/** Signing in and out. The token stays in this tab's session and goes nowhere but to our own server. */
import { NotSignedIn, fetchTicket } from "../client/api";
import { arrivals } from "./desk";
import { agent, current, lastShown, link, marked, mine, opening, profiles, recent, signInProblem, token } from "./store";
import { begin, dropKept, end } from "./wire";

const KEY = "desk.token";

export async function signIn(entered: string): Promise<void> {
  const given = entered.trim();
  signInProblem.value = null;
  let ticket: string;
  try {
    ticket = await fetchTicket(given);
  } catch (error) {
    const why = (error as Error).message;
    signInProblem.value = error instanceof NotSignedIn ? why : `${why} This says nothing about your token; try again in a moment.`;
    return;
  }
  sessionStorage.setItem(KEY, given);
  token.value = given;
  begin(arrivals, ticket);
}

/** Go on with the token of this tab after a reload. */
export function resume(): void {
  const stored = sessionStorage.getItem(KEY);
  if (!stored) return;
  token.value = stored;
  if (lastShown.value) opening.value = { customer: lastShown.value, name: null, problem: null };
  begin(arrivals, null);
}

export function signOut(): void {
  dropKept();
  signInProblem.value = null;
  token.value = null;
}

/** Without a token nothing of the agent stays on the page, whoever took it away. */
let signedIn = false;
token.subscribe((value) => {
  if (signedIn && value === null) forgetAll();
  signedIn = value !== null;
});

function forgetAll(): void {
  sessionStorage.removeItem(KEY);
  end();
  agent.value = null;
  mine.value = null;
  current.value = null;
  opening.value = null;
  profiles.value = new Map();
  marked.value = new Set();
  recent.value = [];
  lastShown.value = null;
  link.value = { state: "connecting" };
}
