/** The chat on a page: `<script src="https://…/chat/{account}/widget.js" data-identity="…" async></script>`. */

import { Api, Refused, type Line } from "./api";
import { inOrder } from "./lines";
import { Memory } from "./memory";
import { Outgoing } from "./outgoing";
import { Stream } from "./stream";
import { View } from "./view";

const MOST_FILE_BYTES = 25 * 1024 * 1024;
const RECEIPT_MS = 250;
const RECEIPT_AGAIN_MS = 5000;
/** Whoever goes on writing says so this often; what was said holds so long. */
const TYPING_MS = 3000;
const TYPING_HOLDS_MS = 6000;
/** A stream that ends and begins anew is no outage. */
const OFFLINE_MS = 2500;
/** A tab nobody looks at needs no stream: a browser has few connections for all of them. */
const HIDDEN_MS = 60_000;
const OFFLINE = "You are offline. What you write is sent when the connection is back.";
const OVER = "You were signed out. Load the page again to go on.";

type Receipt = "delivered" | "read";

class Chat {
  private readonly memory: Memory;
  private readonly api: Api;
  private readonly view: View;
  private readonly stream: Stream;
  private readonly outgoing: Outgoing;
  private readonly lines = new Map<string, Line>();
  private listening = false;
  private away = false;
  private over = false;
  private awayTimer?: number;
  private hiddenTimer?: number;
  private receiptTimer?: number;
  private answeringTimer?: number;
  private typedAt = -TYPING_MS;
  private unread = 0;

  constructor(origin: string, account: string, data: DOMStringMap) {
    this.memory = new Memory(account);
    this.api = new Api(origin, account, this.memory, data["identity"] || undefined);
    this.api.demoted = () => this.clear();
    this.api.ended = () => this.ended();
    this.view = new View({
      opened: (is) => this.opened(is),
      write: (text, form) => this.write(text, form),
      attach: (files) => this.attach(files),
      typing: () => this.typing(),
      again: (id) => this.outgoing.again(id),
      drop: (id) => this.outgoing.drop(id),
    }, origin, data["theme"]);
    this.stream = new Stream(this.api, {
      line: (line) => this.heard(line),
      typing: () => this.answering(true),
      connected: (is) => this.connected(is),
    });
    this.outgoing = new Outgoing(this.api, this.memory, () => this.show());
    this.follow();
    if (this.api.known) this.listen();
    this.outgoing.load();
  }

  /** Open the panel. */
  open(): void {
    this.view.toggle(true);
  }

  /** Close it. */
  close(): void {
    this.view.toggle(false);
  }

  /** Somebody logged in at the site, with a new identity, or, without one, logged out. */
  identify(identity?: string): void {
    this.api.become(identity);
    this.clear();
    this.over = false;
    this.listening = false;
    if (this.api.known || this.view.isOpen) this.listen(true);
    else this.stream.stop();
  }

  private follow(): void {
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.hiddenTimer);
      if (document.hidden) this.hiddenTimer = window.setTimeout(() => this.stream.stop(), HIDDEN_MS);
      else if (this.listening && !this.over) this.stream.start();
      this.tell();
    });
    addEventListener("storage", () => this.api.isOther && this.lines.size === 0 && this.identify());
    addEventListener("online", () => this.listening && !this.over && this.stream.start());
    addEventListener("offline", () => {
      this.stream.stop();
      this.connected(false);
    });
  }

  private listen(anew = false): void {
    if (this.listening) return;
    this.listening = true;
    if (anew) this.stream.restart();
    else this.stream.start();
  }

  private clear(): void {
    this.lines.clear();
    this.answering(false, true);
    this.outgoing.load();
  }

  private opened(is: boolean): void {
    this.announce(is ? "opened" : "closed");
    if (is) this.listen();
    this.tell();
    this.show();
  }

  private connected(is: boolean): void {
    clearTimeout(this.awayTimer);
    if (is) {
      this.away = false;
      this.introduce();
    } else this.awayTimer = window.setTimeout(() => ((this.away = true), this.show()), OFFLINE_MS);
    this.show();
  }

  private ended(): void {
    this.over = true;
    this.stream.stop();
    this.show();
  }

  private introduce(): void {
    const session = this.api.session;
    if (session) this.view.introduce(session.title, session.greeting, session.anonymous && this.isEmpty);
  }

  private get isEmpty(): boolean {
    return this.lines.size === 0 && this.outgoing.waiting.length === 0;
  }

  private write(text: string, form: Record<string, string>): void {
    const page = { url: location.origin + location.pathname, title: document.title };
    this.view.tell("");
    this.typedAt = -TYPING_MS;
    this.outgoing.add({
      id: newId(),
      text,
      ...(Object.keys(form).length ? { form } : {}),
      ...(this.isEmpty ? { page } : {}),
    });
    this.introduce();
  }

  private attach(files: File[]): void {
    const fits = (file: File) => file.size > 0 && file.size <= MOST_FILE_BYTES;
    const wrong = files.filter((file) => !fits(file)).map((file) => file.name);
    this.view.tell(wrong.length ? `${wrong.join(", ")} cannot be sent: a file may have up to 25 MB and must not be empty.` : "");
    for (const file of files.filter(fits)) this.outgoing.add({ id: newId(), text: "", file: file.name }, file);
    this.introduce();
  }

  /** Say that something is being written; nobody could see it before the first line. What of it is lost is said again. */
  private typing(): void {
    const now = performance.now();
    if (this.over || !this.lines.size || now - this.typedAt < TYPING_MS) return;
    this.typedAt = now;
    this.api.event({ type: "typing", id: newId() }).catch(() => undefined);
  }

  private answering(is: boolean, come = false): void {
    clearTimeout(this.answeringTimer);
    if (is) this.answeringTimer = window.setTimeout(() => this.answering(false), TYPING_HOLDS_MS);
    this.view.answering(is, come);
  }

  private heard(line: Line): void {
    if (line.by === "us" && !this.lines.has(line.id)) this.answering(false, true);
    this.lines.set(line.id, line);
    if (line.key) this.outgoing.confirmed(line.key);
    this.introduce();
    this.show();
    this.tell();
  }

  private get ordered(): Line[] {
    return [...this.lines.values()].sort((a, b) => inOrder(a.place, b.place));
  }

  private show(): void {
    const isAway = !navigator.onLine || (this.listening && this.away);
    this.view.warn(this.over ? OVER : isAway ? OFFLINE : "");
    this.view.show(this.ordered, this.outgoing.waiting, isAway || this.over);
    const seen = this.kept("seen");
    const unread = this.ordered.filter((line) => line.by === "us" && inOrder(line.place, seen) > 0).length;
    this.view.unread(unread);
    if (unread === this.unread) return;
    this.unread = unread;
    this.announce("unread", unread);
  }

  /** What the site's own code may listen for. */
  private announce(type: string, count?: number): void {
    window.dispatchEvent(new CustomEvent("screenpop-chat", { detail: { type, ...(count === undefined ? {} : { count }) } }));
  }

  private kept(what: "seen" | Receipt): string {
    return this.memory.get<string>(`${what}:${this.api.who}`) ?? "";
  }

  private keep(what: "seen" | Receipt, place: string): void {
    if (inOrder(this.kept(what), place) < 0) this.memory.set(`${what}:${this.api.who}`, place);
  }

  /** Note what was seen, and say it; a little later, for several lines are one receipt. */
  private tell(wait = RECEIPT_MS): void {
    const last = this.ordered.filter((line) => line.by === "us").at(-1)?.place;
    if (!last) return;
    if (this.view.isOpen && !document.hidden) {
      this.keep("seen", last);
      this.show();
    }
    clearTimeout(this.receiptTimer);
    this.receiptTimer = window.setTimeout(() => this.receipt(last), wait);
  }

  private receipt(last: string): void {
    const [seen, read] = [this.kept("seen"), this.kept("read")];
    const [type, until]: [Receipt, string] = inOrder(seen, read) > 0 ? ["read", seen] : ["delivered", last];
    if (inOrder(read, until) >= 0 || inOrder(this.kept(type), until) >= 0) return;
    this.api.event({ type, id: newId(), until }).then(
      () => this.keep(type, until),
      (error: unknown) => error instanceof Refused ? this.keep(type, until) : this.tell(RECEIPT_AGAIN_MS),
    );
  }
}

/** A random UUID; the browser's own is missing on pages without TLS. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

declare global {
  interface Window {
    screenpopChat?: Chat;
  }
}

const script = document.currentScript as HTMLScriptElement | null;
const found = script && /^(https?:\/\/[^/]+)\/chat\/([a-z0-9-]+)\/widget\.js/.exec(script.src);
if (found && !window.screenpopChat) {
  const start = () => (window.screenpopChat = new Chat(found[1]!, found[2]!, script.dataset));
  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start);
}
