/** Signing in and out, with the token of the desk: it stays in this tab and goes nowhere but to our own server. */
import { NotSignedIn } from "../../src/client/api";
import { ask, sentence } from "./client";
import { me, token, type Me } from "./store";

/** The desk's own: who goes from there to here in one tab stays signed in. */
const KEY = "desk.token";

/** Null when it worked, else why not. */
export async function signIn(entered: string): Promise<string | null> {
  const given = entered.trim();
  try {
    const found = await ask<Me>("me", { as: given });
    if (found.role !== "admin" && found.role !== "supervisor") return `The console is for supervisors and administrators; ${found.name} has the desk.`;
    sessionStorage.setItem(KEY, given);
    me.value = found;
    token.value = given;
    return null;
  } catch (error) {
    return error instanceof NotSignedIn ? error.message : `${sentence(error)} This says nothing about your token; try again in a moment.`;
  }
}

export async function resume(): Promise<string | null> {
  const stored = sessionStorage.getItem(KEY);
  return stored ? signIn(stored) : null;
}

/** The page is made anew, so that nothing of what was shown stays in it. */
export function signOut(): void {
  sessionStorage.removeItem(KEY);
  location.reload();
}
