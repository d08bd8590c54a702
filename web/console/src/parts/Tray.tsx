import { Icon } from "../../../src/parts/Icon";
import { checked, findings, parsed, shownLine, text } from "../rules/state";

/** Lint and the rule set's own tests, of the text as it stands. */
export function Tray() {
  const stale = checked.value?.of !== text.value;
  const cases = checked.value?.cases ?? [];
  const errors = findings.value.some((each) => each.severity === "error");
  return (
    <div class="tray" aria-busy={stale}>
      <section class="pane" aria-label="Lint">
        <div class="pane-head">Lint<span class="grow" />{stale && <span class="plain">checking</span>}</div>
        <ul data-test="findings">
          {findings.value.map((each, index) => (
            <li key={index}>
              <button type="button" class="finding" data-test="finding" disabled={each.line === null} onClick={() => { shownLine.value = { line: each.line!, go: true }; }}>
                <span class={each.severity === "error" ? "danger" : "warn"}><Icon name="alert" size={14} /><span class="sr">{each.severity}</span></span>
                <span><b>{nameOf(each.place)}</b><br /><span class="soft">{each.message}</span></span>
                <span class="line-number">{each.line}</span>
              </button>
            </li>
          ))}
          {!findings.value.length && checked.value && <li class="finding"><span class="ok"><Icon name="check" size={14} /></span><span>Nothing found</span></li>}
        </ul>
      </section>
      <section class="pane" aria-label="Tests">
        <div class="pane-head">Tests<span class="grow" />{cases.length > 0 && <span class="plain">{cases.filter((each) => each.passed).length} of {cases.length} pass</span>}</div>
        <ul data-test="cases">
          {cases.map((each) => (
            <li class="finding" key={each.name} data-test="case" data-passed={each.passed}>
              <span class={each.passed ? "ok" : "danger"}><Icon name={each.passed ? "check" : "close"} size={14} /><span class="sr">{each.passed ? "passes" : "fails"}</span></span>
              <span>{each.passed ? each.name : <><b>{each.name}</b><br /><span class="soft">{each.message}</span></>}</span>
            </li>
          ))}
          {!cases.length && <li class="finding"><span /><span class="quiet">{errors ? "Tests run when lint finds no error." : "No tests: add `cases` to the text."}</span></li>}
        </ul>
      </section>
    </div>
  );
}

/** A rule's name stands for its place. */
function nameOf(place: string): string {
  const found = /^rules\[(\d+)\]/.exec(place);
  const rule = found && parsed.value.rules?.[Number(found[1])];
  return rule ? `Rule ${Number(found[1]) + 1}: ${String(rule["name"] ?? "")}` : place || "The text";
}
