import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../../../src/parts/Icon";
import { Editor } from "../rules/editor";
import { offered } from "../rules/offering";
import { findings, parsed, schema, selected, shownLine, text, words } from "../rules/state";
import { mayEdit } from "../store";

/** The rules as text. */
export function EditorPane() {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const editor = new Editor(host.current!, text.peek(), !mayEdit(), {
      text: (now) => { text.value = now; },
      line: (line) => {
        const at = parsed.value.lines.findIndex(([first, last]) => first <= line && line <= last);
        if (at >= 0) selected.value = at;
      },
      offers: (place) => (schema.value ? offered(place, schema.value.root, schema.value.all, words.value) : []),
    });
    const stops = [
      effect(() => editor.show(text.value)),
      effect(() => {
        const fault = parsed.value.fault;
        const said = findings.value.filter((each) => each.line !== null).map((each) => ({ line: each.line!, severity: each.severity, message: each.message }));
        editor.mark(fault ? [{ line: fault.line, severity: "error", message: fault.message }] : said);
      }),
      effect(() => { if (shownLine.value) editor.line(shownLine.value.line, shownLine.value.go); }),
    ];
    return () => {
      stops.forEach((stop) => stop());
      editor.close();
    };
  }, []);
  const range = parsed.value.lines[selected.value];
  return (
    <section class="pane" aria-label="Rules as text">
      <div class="pane-head"><Icon name="edit" size={14} />rules.yaml<span class="grow" />{range && <span class="plain">lines {range[0]} to {range[1]}</span>}</div>
      <div class="editor" ref={host} />
    </section>
  );
}
