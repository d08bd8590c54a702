/** What the visitor sees: a button, and a panel with the lines and a place to write. */

import type { Line } from "./api";
import { el, icon } from "./dom";
import { pending, said, type OnItsWay } from "./lines";
import type { Pending } from "./outgoing";
import { STYLES } from "./styles";

const BUBBLE = "M4 5h16v11H9l-5 4z";
const DOWN = "M6 9l6 6 6-6";
const CROSS = "M6 6l12 12M18 6L6 18";
const CLIP = "M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.3 3.3 0 0 1 4.7 4.7l-8.5 8.4a1.7 1.7 0 0 1-2.4-2.4L14.5 7";
const PLANE = "M4 12l16-8-6 16-3-7z";
const AT_END_PX = 60;
const MOST_TEXT = "16000";

export interface Wishes extends OnItsWay {
  opened(is: boolean): void;
  write(text: string, form: Record<string, string>): void;
  attach(files: File[]): void;
  typing(): void;
}

export class View {
  isOpen = false;
  private readonly host = el("div", { "data-screenpop-chat": "" });
  private readonly badge = el("span", { class: "badge", hidden: true });
  private readonly title = el("h2", { id: "title" }, "Chat");
  private readonly banner = el("div", { class: "banner", role: "status" });
  private readonly notice = el("div", { class: "notice", role: "alert" });
  private readonly greeting = el("p", { class: "greeting", dir: "auto", hidden: true });
  private readonly log = el("div", { class: "log", role: "log", "aria-label": "Messages", tabindex: "0" }, this.greeting);
  private readonly writing = el("div", { class: "writing", "aria-hidden": "true", hidden: true }, "Writing…", el("span", {}, el("b"), el("b"), el("b")));
  private readonly writingSaid = el("span", { class: "away", role: "status" });
  private readonly name = el("input", { autocomplete: "name", maxlength: "200" });
  private readonly email = el("input", { type: "email", autocomplete: "email", maxlength: "254" });
  private readonly form = el("div", { class: "form", hidden: true },
    el("label", {}, "Name (optional)", this.name),
    el("label", {}, "E-mail (optional)", this.email));
  private readonly text = el("textarea", { rows: "1", maxlength: MOST_TEXT, dir: "auto", "aria-label": "Your message", placeholder: "Your message" });
  private readonly launch: HTMLButtonElement;
  private readonly panel: HTMLElement;
  private readonly shown = new Map<string, { element: HTMLElement; as: string }>();

  constructor(private readonly wishes: Wishes, private readonly origin: string, theme: string | undefined) {
    this.launch = el("button", { class: "launch", type: "button", "aria-expanded": "false", "aria-label": "Open the chat", click: () => this.toggle() }, icon(BUBBLE, "shut"), icon(DOWN, "down"), this.badge);
    this.panel = this.makePanel();
    if (theme) this.host.dataset["theme"] = theme;
    const root = this.host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES);
    root.adoptedStyleSheets = [sheet];
    root.append(this.panel, this.launch);
    document.body.append(this.host);
  }

  private makePanel(): HTMLElement {
    const picker = el("input", { type: "file", multiple: true, hidden: true, change: () => {
      this.wishes.attach([...(picker.files ?? [])]);
      picker.value = "";
      this.text.focus();
    } });
    const write = el("form", { class: "write", submit: (event: SubmitEvent) => {
      event.preventDefault();
      this.write();
    } },
      el("button", { class: "tool", type: "button", "aria-label": "Attach a file", click: () => picker.click() }, icon(CLIP)),
      picker, this.text,
      el("button", { class: "tool send", type: "submit", "aria-label": "Send" }, icon(PLANE)));
    this.listen();
    const close = el("button", { class: "tool", type: "button", "aria-label": "Close the chat", click: () => this.toggle(false) }, icon(CROSS));
    return el("section", { class: "panel", role: "dialog", "aria-labelledby": "title", hidden: true, keydown: (event: KeyboardEvent) => {
      if (event.key === "Escape") this.toggle(false);
    } }, el("header", {}, this.title, close), this.banner, this.log, this.writing, this.writingSaid, this.form, this.notice, write);
  }

  private listen(): void {
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.write();
    });
    this.text.addEventListener("input", () => {
      this.fit();
      if (this.text.value.trim()) this.wishes.typing();
    });
    this.text.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!files.length) return;
      event.preventDefault();
      this.wishes.attach(files);
    });
  }

  /** As high as what is written. */
  private fit(): void {
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight + 2}px`;
  }

  private write(): void {
    const text = this.text.value;
    if (!text.trim()) return;
    const form: Record<string, string> = {};
    if (!this.form.hidden && this.name.value.trim()) form["name"] = this.name.value.trim();
    if (!this.form.hidden && this.email.value.trim()) form["email"] = this.email.value.trim();
    this.text.value = "";
    this.fit();
    this.wishes.write(text, form);
    this.toEnd();
  }

  toggle(open = !this.isOpen): void {
    if (open === this.isOpen) return;
    this.isOpen = open;
    this.panel.hidden = !open;
    this.launch.setAttribute("aria-expanded", String(open));
    this.wishes.opened(open);
    if (open) {
      this.toEnd();
      this.fit();
      this.text.focus();
    } else this.launch.focus();
  }

  /** The session's words, and whether to ask who it is. */
  introduce(title: string, greeting: string, asks: boolean): void {
    if (title) this.title.textContent = title;
    this.greeting.textContent = greeting;
    this.greeting.hidden = !greeting;
    this.form.hidden = !asks;
  }

  /** What holds at the moment; empty: nothing to tell. */
  warn(text: string): void {
    if (this.banner.textContent !== text) this.banner.textContent = text;
  }

  /** What was wrong with what the visitor just did. */
  tell(text: string): void {
    this.notice.textContent = text;
  }

  /** Somebody is writing an answer, or is not any more. It is announced once, until the answer has `come`. */
  answering(is: boolean, come = false): void {
    if (come) this.writingSaid.textContent = "";
    else if (is) this.writingSaid.textContent ||= "Writing…";
    if (this.writing.hidden !== is) return;
    this.writing.hidden = !is;
    if (is) this.toEnd(AT_END_PX + 240);
  }

  unread(count: number): void {
    this.badge.textContent = count > 99 ? "99+" : String(count);
    this.badge.hidden = count === 0 || this.isOpen;
    const many = count === 1 ? "1 new message" : `${count} new messages`;
    this.launch.setAttribute("aria-label", this.isOpen ? "Close the chat" : count ? `Open the chat, ${many}` : "Open the chat");
  }

  /** Show these lines, and those on their way below; each element is made once and changed only when its line is. `held`: they wait. */
  show(lines: Line[], waiting: Pending[], held: boolean): void {
    const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < AT_END_PX;
    const lastOwn = waiting.length ? undefined : lines.filter((line) => line.by === "you").at(-1);
    const wanted = lines.map((line, at) => {
      const begins = speaker(lines[at - 1]) !== speaker(line);
      const ends = speaker(lines[at + 1]) !== speaker(line);
      const received = line === lastOwn;
      return this.element(line.key ?? line.id, [line, begins, ends, received], () =>
        said(line, this.origin, begins, ends, received, () => this.toEnd(AT_END_PX + 240)));
    });
    wanted.push(...waiting.map((each) => this.element(each.id, [each, held], () => pending(each, held, this.wishes))));
    this.place(wanted);
    if (atEnd) this.toEnd();
  }

  private place(wanted: HTMLElement[]): void {
    const kept = new Set(wanted);
    for (const [key, { element }] of this.shown) {
      if (kept.has(element)) continue;
      element.remove();
      this.shown.delete(key);
    }
    let last: Element = this.greeting;
    for (const element of wanted) {
      if (last.nextElementSibling !== element) last.after(element);
      last = element;
    }
  }

  private element(key: string, what: unknown, make: () => HTMLElement): HTMLElement {
    const as = JSON.stringify(what);
    const known = this.shown.get(key);
    if (known?.as === as) return known.element;
    const element = make();
    known?.element.replaceWith(element);
    this.shown.set(key, { element, as });
    return element;
  }

  private toEnd(within = Infinity): void {
    const { scrollHeight, scrollTop, clientHeight } = this.log;
    if (scrollHeight - scrollTop - clientHeight < within) this.log.scrollTop = scrollHeight;
  }
}

function speaker(line: Line | undefined): string | undefined {
  return line && `${line.by} ${line.name ?? ""}`;
}
