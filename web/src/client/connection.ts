import { NotSignedIn } from "./api";
import { backoff } from "./backoff";
import { verdict } from "./close";
import { SUBPROTOCOL, type ClientFrame, type ServerFrame } from "./protocol";

/** A connection that lived this long starts its next backoff from the beginning. */
const STEADY_MS = 5_000;
const WELCOME_MS = 15_000;
/** Close code of our own: this screen noticed a gap and comes back with its positions. */
const GAP = 3000;

export type Link =
  | { state: "connecting" }
  | { state: "open" }
  | { state: "offline"; nextTryAt: number | null }
  | { state: "refused"; why: string }
  | { state: "signed_out"; why: string };

export interface Hooks {
  ticket(): Promise<string>;
  hello(): ClientFrame;
  frame(frame: ServerFrame): void;
  link(link: Link): void;
}

/** One websocket at a time, with a fresh ticket for each; comes back by itself where the close code allows it. */
export class Connection {
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  #running = false;
  /** Raised by every new start; an answer for an older one is dropped. */
  #round = 0;

  constructor(private readonly hooks: Hooks) {}

  start(): void {
    if (this.#running) return;
    this.#running = true;
    addEventListener("online", this.#online);
    addEventListener("offline", this.#offline);
    this.hooks.link({ state: "connecting" });
    void this.#connect();
  }

  stop(): void {
    this.#running = false;
    removeEventListener("online", this.#online);
    removeEventListener("offline", this.#offline);
    this.#drop(1000, "");
  }

  /** Try at once instead of waiting. */
  retry(): void {
    if (!this.#running) return this.start();
    if (this.#socket) return;
    this.#attempt = 0;
    void this.#connect();
  }

  /** Leave and come back with the positions held: what was missed is sent then. */
  restart(): void {
    this.#drop(GAP, "gap");
    this.#later();
  }

  /** False when nothing was sent because no connection is open. */
  send(frame: ClientFrame): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  readonly #online = (): void => {
    this.retry();
  };

  readonly #offline = (): void => {
    this.#drop(1000, "");
    this.hooks.link({ state: "offline", nextTryAt: null });
  };

  async #connect(): Promise<void> {
    clearTimeout(this.#timer);
    const round = ++this.#round;
    let ticket: string;
    try {
      ticket = await this.hooks.ticket();
    } catch (error) {
      if (round !== this.#round || !this.#running) return;
      if (error instanceof NotSignedIn) return this.#end({ state: "signed_out", why: error.message });
      return this.#later();
    }
    if (round === this.#round && this.#running) this.#open(ticket);
  }

  #open(ticket: string): void {
    const url = new URL("/v1/screen", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url, [SUBPROTOCOL, `ticket.${ticket}`]);
    this.#socket = socket;
    let since = 0;
    // A server that opens and then says nothing is no connection.
    const mute = setTimeout(() => this.restart(), WELCOME_MS);
    socket.onopen = () => socket.send(JSON.stringify(this.hooks.hello()));
    socket.onmessage = (message) => {
      const frame = JSON.parse(String(message.data)) as ServerFrame;
      if (frame.type === "welcome") {
        clearTimeout(mute);
        since = Date.now();
        this.hooks.link({ state: "open" });
      }
      this.hooks.frame(frame);
    };
    socket.onclose = (event) => {
      clearTimeout(mute);
      if (this.#socket !== socket) return;
      this.#socket = null;
      if (since && Date.now() - since > STEADY_MS) this.#attempt = 0;
      const found = verdict(event.code, event.reason);
      if (found.reconnect) this.#later();
      else this.#end({ state: found.signedOut ? "signed_out" : "refused", why: found.why });
    };
  }

  #later(): void {
    if (!this.#running) return;
    clearTimeout(this.#timer);
    if (navigator.onLine === false) return this.hooks.link({ state: "offline", nextTryAt: null });
    const wait = backoff(this.#attempt, Math.random);
    this.#attempt += 1;
    this.#timer = setTimeout(() => void this.#connect(), wait);
    this.hooks.link({ state: "offline", nextTryAt: Date.now() + wait });
  }

  #end(link: Link): void {
    this.stop();
    this.hooks.link(link);
  }

  #drop(code: number, reason: string): void {
    clearTimeout(this.#timer);
    this.#round += 1;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(code, reason);
  }
}
