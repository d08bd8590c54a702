/** The gateway's side: a session, and requests that are proved by its key. See docs/reference/chat.md. */

import { bytesOf, hex, hmac, join, sha256 } from "./hash";
import type { Memory } from "./memory";

export interface Session {
  token: string;
  key: string;
  address: string;
  now: number;
  anonymous: boolean;
  name: string | null;
  title: string;
  greeting: string;
}

export interface FileOf {
  name: string;
  type: string;
  size: number | null;
  url: string;
  shown: boolean;
}

export interface Line {
  id: string;
  by: "you" | "us";
  text: string;
  at: string;
  place: string;
  key?: string;
  name?: string;
  files?: FileOf[];
}

/** The gateway does not take it, and will not take it again. */
export class Refused extends Error {}

/** Not now: the network, or the gateway asks to wait. */
export class Later extends Error {
  constructor(readonly seconds = 0) {
    super();
  }
}

/** The identity was good and is not any more: only the site can give another. */
export class Over extends Error {}

const PATIENCE_MS = 30_000;
const FILE_PATIENCE_MS = 300_000;

export class Api {
  session?: Session;
  /** Whose things in the browser's memory are meant: empty for the anonymous visitor. */
  who: string;
  /** The identity was refused: it goes on as an anonymous visitor. */
  demoted = (): void => undefined;
  /** The identity is over, and the site has to give another. */
  ended = (): void => undefined;
  private beginning?: Promise<Session>;
  private behind = 0;
  private hasWarned = false;

  constructor(
    readonly origin: string,
    readonly account: string,
    private readonly memory: Memory,
    private identity: string | undefined,
  ) {
    this.who = whoIs(identity);
  }

  /** Somebody was here before, or the site says who it is. */
  get known(): boolean {
    return Boolean(this.identity ?? this.memory.get("token"));
  }

  /** Somebody else from now on: who logged in at the site, or nobody. */
  become(identity: string | undefined): void {
    this.identity = identity;
    this.who = whoIs(identity);
    this.session = this.beginning = undefined;
  }

  begin(): Promise<Session> {
    if (!this.beginning) {
      const asking = this.alone(() => this.ask()).finally(() => {
        if (this.beginning === asking) this.beginning = undefined;
      });
      this.beginning = asking;
    }
    return this.beginning;
  }

  /** Whether another tab began at the same moment, and its anonymous visitor is the one that was kept. */
  get isOther(): boolean {
    const kept = this.memory.get<string>("token");
    return Boolean(kept && this.session?.anonymous && idIn(kept) !== idIn(this.session.token));
  }

  /** Before there is a token one tab asks after the other, so that they are one visitor. */
  private alone<T>(ask: () => Promise<T>): Promise<T> {
    // Pages without TLS have no locks: `isOther` finds what they would have prevented.
    return this.known || !navigator.locks ? ask() : navigator.locks.request(`screenpop:${this.account}`, ask);
  }

  private async ask(): Promise<Session> {
    for (;;) {
      const { identity, who } = this;
      const token = this.memory.get<string>(who && !this.memory.get("wrote") ? `was:${who}` : "token");
      let session: Session;
      try {
        session = await this.told({ token, identity });
      } catch (error) {
        if (identity !== this.identity) continue;
        if (!(error instanceof Refused) || !identity) throw error;
        // Only before anything was said: nobody becomes a stranger in the middle of a conversation.
        if (this.session) {
          this.ended();
          throw new Over();
        }
        console.error("Screenpop chat: data-identity is not signed for this account, or its time is over. The visitor is anonymous.");
        this.become(undefined);
        this.demoted();
        continue;
      }
      if (identity !== this.identity) continue;
      // Two tabs that begin at once are one visitor: the token that was kept first.
      if (session.anonymous && this.memory.get<string>("token") !== token) continue;
      this.behind = session.now - Date.now() / 1000;
      if (session.anonymous) this.memory.set("token", session.token);
      return (this.session = session);
    }
  }

  private async told(asked: { token: string | undefined; identity: string | undefined }): Promise<Session> {
    const answer = await this.fetch(`${this.origin}/chat/${this.account}/session`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(asked),
    });
    return (await answer.json()) as Session;
  }

  /** Something was taken. What an anonymous visitor wrote becomes, with the next line, the past of whom the site signed. */
  taken(): void {
    if (!this.session) return;
    if (this.session.anonymous) this.memory.set("wrote", true);
    else if (this.memory.get("wrote")) {
      this.memory.set(`was:${this.who}`, this.memory.get("token"));
      this.memory.set("token", undefined); // and nobody else's
      this.memory.set("wrote", undefined);
    }
  }

  async event(event: Record<string, unknown>): Promise<void> {
    const body = bytesOf(JSON.stringify({ account: this.account, ...event }));
    await this.proved(`/hooks/${this.account}`, "", body, "application/json");
  }

  async file(id: string, file: File): Promise<void> {
    const step = `/file?${new URLSearchParams({ id, name: file.name.slice(0, 255), type: file.type })}`;
    const body = new Uint8Array(await file.arrayBuffer());
    const signal = AbortSignal.timeout(FILE_PATIENCE_MS);
    await this.proved(`/hooks/${this.account}${step}`, step, body, "application/octet-stream", signal);
  }

  listen(after: string | undefined, signal: AbortSignal): Promise<Response> {
    const body = bytesOf(JSON.stringify(after ? { after } : {}));
    return this.proved(`/chat/${this.account}/stream`, "/stream", body, "application/json", signal);
  }

  /** A request with its proof; with a new session once, where the old one is over. */
  private async proved(
    path: string,
    step: string,
    body: Uint8Array<ArrayBuffer>,
    type: string,
    signal: AbortSignal | null = null,
  ): Promise<Response> {
    for (let again = false; ; again = true) {
      const { who } = this;
      const session = this.session && !again ? this.session : await this.begin();
      if (who !== this.who) throw new Later(); // what one visitor said is never told as another's
      const at = Math.floor(Date.now() / 1000 + this.behind);
      const proof = hmac(session.key, join(bytesOf(`${at}\n${session.address}${step}\n`), body));
      const headers = {
        "Content-Type": `${type}; visitor=${session.token}`,
        "X-Screenpop-Signature": `t=${at},v1=${proof}`,
      };
      try {
        return await this.fetch(this.origin + path, { method: "POST", headers, body, signal });
      } catch (error) {
        if (!(error instanceof Refused) || again) throw error;
      }
    }
  }

  private async fetch(url: string, init: RequestInit): Promise<Response> {
    let answer: Response;
    try {
      const signal = init.signal ?? AbortSignal.timeout(PATIENCE_MS);
      answer = await fetch(url, { ...init, signal, credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer" });
    } catch {
      this.warn();
      throw new Later();
    }
    if (answer.ok) return answer;
    if (answer.status === 429 || answer.status >= 500) throw new Later(Number(answer.headers.get("Retry-After")) || 0);
    throw new Refused();
  }

  /** A page that is not allowed sees no more than that there was no answer: its developer is told what to look for. */
  private warn(): void {
    if (this.hasWarned || this.session || !navigator.onLine) return;
    this.hasWarned = true;
    console.warn(
      `Screenpop chat: no answer from ${this.origin}. If it is up, look whether ${location.origin} is in settings.origins ` +
        `of ${this.account}, and ${this.origin} in connect-src of this page's content policy.`,
    );
  }
}

/** Whoever the identity names, as a name for the memory that tells nothing. */
function whoIs(identity: string | undefined): string {
  return identity ? hex(sha256(bytesOf(idIn(identity)))).slice(0, 16) : "";
}

/** The id in what was signed; all of it where there is none, which the gateway will refuse. */
function idIn(signed: string): string {
  try {
    const payload = JSON.parse(atob(signed.split(".")[0]!.replace(/-/g, "+").replace(/_/g, "/"))) as { id: unknown };
    return String(payload.id);
  } catch {
    return signed;
  }
}
