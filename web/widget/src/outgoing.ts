/** What the visitor has written and the gateway has not taken yet: in order, kept over a reload, each with an id. */

import { Later, Refused, type Api } from "./api";
import type { Memory } from "./memory";

export interface Pending {
  id: string;
  text: string;
  /** Its place among them. */
  at: number;
  file?: string;
  form?: Record<string, string>;
  page?: { url: string; title: string };
  state?: "sent" | "failed" | "lost";
}

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 20_000;

export class Outgoing {
  waiting: Pending[] = [];
  private readonly files = new Map<string, File>();
  private sending = false;
  private wait = FIRST_WAIT_MS;
  private timer?: number;

  constructor(
    private readonly api: Api,
    private readonly memory: Memory,
    private readonly changed: () => void,
  ) {
    addEventListener("online", () => {
      this.wait = FIRST_WAIT_MS;
      this.send();
    });
  }

  /** What this visitor's browser still has from before. Each line has a key of its own: two tabs never write over one another. */
  load(): void {
    const { who } = this.api;
    const kept = this.memory.all<Pending>(`out:${who}:`);
    // What an anonymous visitor could not send before logging in goes along, as the rest of what they said does.
    if (who && this.memory.get("token")) {
      for (const each of this.memory.all<Pending>("out::")) {
        this.memory.set(`out::${each.id}`, undefined);
        this.memory.set(`out:${who}:${each.id}`, each);
        kept.push(each);
      }
    }
    for (const each of kept) if (each.file !== undefined && !this.files.has(each.id)) each.state = "lost";
    this.waiting = kept.sort((a, b) => a.at - b.at);
    this.changed();
    this.send();
  }

  add(said: Omit<Pending, "at">, file?: File): void {
    if (file) {
      this.files.set(said.id, file);
      addEventListener("beforeunload", ask);
    }
    const pending = { ...said, at: Math.max(Date.now(), (this.waiting.at(-1)?.at ?? 0) + 1) };
    this.waiting.push(pending);
    this.keep(pending);
    this.send();
  }

  /** It has come back by the stream. */
  confirmed(id: string): void {
    this.waiting = this.waiting.filter((each) => each.id !== id);
    this.forget(id);
  }

  again(id: string): void {
    const found = this.waiting.find((each) => each.id === id);
    if (!found) return;
    delete found.state;
    this.keep(found);
    this.send();
  }

  drop(id: string): void {
    this.confirmed(id);
    this.changed();
  }

  send(): void {
    clearTimeout(this.timer);
    if (!this.sending) void this.run();
  }

  private async run(): Promise<void> {
    this.sending = true;
    try {
      for (let next; (next = this.waiting.find((each) => !each.state)); ) await this.one(next);
    } catch (error) {
      const asked = error instanceof Later ? error.seconds * 1000 : 0;
      this.timer = window.setTimeout(() => this.send(), asked || this.wait);
      this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
    } finally {
      this.sending = false;
    }
  }

  private async one(pending: Pending): Promise<void> {
    const { id, text, form, page } = pending;
    const { who } = this.api;
    const file = this.files.get(id);
    try {
      await (file ? this.api.file(id, file) : this.api.event({ type: "message", id, text, form, page }));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (who !== this.api.who) return;
      pending.state = "failed";
      this.keep(pending);
      return;
    }
    if (who !== this.api.who) return; // somebody else by now; theirs is kept until it is known to have arrived
    this.wait = FIRST_WAIT_MS;
    pending.state = "sent";
    this.forget(id);
    this.api.taken();
    this.changed();
  }

  private forget(id: string): void {
    this.files.delete(id);
    if (!this.files.size) removeEventListener("beforeunload", ask);
    this.memory.set(`out:${this.api.who}:${id}`, undefined);
  }

  private keep(pending: Pending): void {
    this.memory.set(`out:${this.api.who}:${pending.id}`, pending);
    this.changed();
  }
}

/** A file outlives no page: the visitor is asked before it is lost. Only then, for it keeps pages out of the browser's cache. */
const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
