/** The text editor. It stands in a shadow root: there its styles come as sheets, which the content policy allows. */
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, startCompletion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { EditorState, type Transaction } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { placeAt } from "./place";
import type { Offered } from "./schema";
import type { Place } from "./place";

export interface Hooks {
  text(text: string): void;
  /** The cursor was put on this line by hand. */
  line(line: number): void;
  offers(place: Place): Offered[];
}
export interface Mark { line: number; severity: "error" | "warning"; message: string }

const LOOK = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--surface-2)", color: "var(--text)", fontSize: "12px" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "19px", fontSizeAdjust: "none" },
  ".cm-gutters": { backgroundColor: "var(--surface-2)", color: "var(--text-3)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--hover)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "var(--accent-line)" },
  ".cm-tooltip": { backgroundColor: "var(--surface)", color: "var(--text)", border: "1px solid var(--line-strong)", borderRadius: "6px", boxShadow: "var(--shadow-2)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--font-mono)", maxHeight: "14em" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--selected)", color: "var(--text)" },
  ".cm-completionDetail": { color: "var(--text-3)", fontStyle: "normal" },
  ".cm-matchingBracket": { backgroundColor: "var(--accent-soft)" },
  ".cm-diagnostic": { fontFamily: "var(--font-ui)" },
});
const COLOURS = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent-text)" },
  { tag: [tags.content, tags.string, tags.attributeValue], color: "var(--ch-voice)" },
  { tag: tags.comment, color: "var(--text-3)", fontStyle: "italic" },
  { tag: [tags.separator, tags.punctuation, tags.squareBracket, tags.brace], color: "var(--text-2)" },
]);

export class Editor {
  readonly #view: EditorView;

  constructor(host: HTMLElement, text: string, readOnly: boolean, hooks: Hooks) {
    const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    root.replaceChildren();
    const complete = (context: CompletionContext): CompletionResult | null => {
      const place = placeAt(context.state.doc.toString(), context.pos);
      if (!place || (!context.explicit && place.begun === "")) return null;
      const options = hooks.offers(place).map((each) => ({
        label: each.label,
        ...(each.detail && { detail: each.detail }),
        type: place.what === "name" ? "property" : "constant",
        apply: place.what === "name" ? `${each.label}: ` : each.label,
      }));
      return options.length ? { from: context.pos - place.begun.length, options, validFor: /^[\w./ -]*$/ } : null;
    };
    this.#view = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(), highlightActiveLine(), highlightActiveLineGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(),
          indentUnit.of("  "), yaml(), syntaxHighlighting(COLOURS), LOOK, lintGutter(),
          autocompletion({ override: [complete], icons: false }),
          keymap.of([{ key: "Ctrl-Space", run: startCompletion }, ...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap, ...historyKeymap]),
          EditorState.readOnly.of(readOnly),
          EditorView.contentAttributes.of({ "aria-label": "Rules as text", "data-test": "rules-text" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) hooks.text(update.state.doc.toString());
            if (update.selectionSet && update.transactions.some(isByHand)) hooks.line(update.state.doc.lineAt(update.state.selection.main.head).number);
          }),
        ],
      }),
    });
  }

  /** Show another text; only what differs is replaced, so that the cursor stays and undoing works. */
  show(text: string): void {
    const old = this.#view.state.doc.toString();
    if (old === text) return;
    let from = 0;
    while (from < old.length && from < text.length && old[from] === text[from]) from += 1;
    let end = 0;
    while (end < old.length - from && end < text.length - from && old.at(-1 - end) === text.at(-1 - end)) end += 1;
    this.#view.dispatch({ changes: { from, to: old.length - end, insert: text.slice(from, text.length - end) } });
  }

  mark(marks: readonly Mark[]): void {
    const { doc } = this.#view.state;
    const diagnostics = marks.filter((each) => each.line <= doc.lines).map((each): Diagnostic => {
      const line = doc.line(each.line);
      const indent = line.text.length - line.text.trimStart().length;
      return { from: line.from + indent, to: line.to, severity: each.severity, message: each.message };
    });
    this.#view.dispatch(setDiagnostics(this.#view.state, diagnostics));
  }

  /** Bring a line into view; `go` also puts the cursor there. */
  line(number: number, go: boolean): void {
    const { doc } = this.#view.state;
    const at = doc.line(Math.min(Math.max(1, number), doc.lines)).from;
    this.#view.dispatch({ effects: EditorView.scrollIntoView(at, { y: go ? "center" : "start", yMargin: 0 }), ...(go && { selection: { anchor: at } }) });
    if (go) this.#view.focus();
  }

  close(): void {
    this.#view.destroy();
  }
}

const isByHand = (transaction: Transaction): boolean => transaction.isUserEvent("select") || transaction.isUserEvent("input");
