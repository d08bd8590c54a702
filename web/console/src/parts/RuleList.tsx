import { Icon } from "../../../src/parts/Icon";
import { edit, findings, parsed, selected, shownLine, text } from "../rules/state";
import { insert, move, put } from "../rules/text";
import { mayEdit } from "../store";
import { outcome, textOf } from "../view/rule";

/** The rules in order. */
export function RuleList() {
  const rules = parsed.value.rules ?? [];
  const off = !mayEdit() || parsed.value.rules === null;
  const choose = (index: number) => {
    selected.value = index;
    const line = parsed.value.lines[index]?.[0];
    if (line) shownLine.value = { line, go: false };
  };
  const shift = (from: number, to: number) => {
    if (off || to < 0 || to >= rules.length) return;
    edit((document) => move(document, ["rules"], from, to));
    choose(to);
  };
  const add = () => {
    const at = rules.length ? selected.value + 1 : 0;
    edit((document) => insert(document, ["rules"], at, { name: freeName(rules.map((each) => textOf(each["name"]))) }));
    choose(at);
  };
  const remove = () => {
    edit((document) => put(document, ["rules", selected.value], undefined));
    choose(Math.max(0, Math.min(selected.value, rules.length - 2)));
  };
  return (
    <div class="rule-list" role="region" aria-label="Rules in order">
      <div class="rule-acts">
        <span class="grow quiet small">In order</span>
        {!off && (
          <>
            <button type="button" class="button quiet square small" aria-label="Move the rule up" title="Move up (Alt ↑)" data-test="rule-up" disabled={selected.value === 0} onClick={() => shift(selected.value, selected.value - 1)}><Icon name="up" size={14} /></button>
            <button type="button" class="button quiet square small" aria-label="Move the rule down" title="Move down (Alt ↓)" data-test="rule-down" disabled={selected.value >= rules.length - 1} onClick={() => shift(selected.value, selected.value + 1)}><Icon name="down" size={14} /></button>
            <button type="button" class="button quiet square small" aria-label="Remove the rule" title="Remove" data-test="rule-remove" disabled={!rules.length} onClick={remove}><Icon name="close" size={14} /></button>
            <button type="button" class="button quiet small" data-test="rule-add" onClick={add}><Icon name="plus" size={14} />Rule</button>
          </>
        )}
      </div>
      <ol>
        {rules.map((rule, index) => {
          const worst = findings.value.filter((each) => each.place === `rules[${index}]` || each.place.startsWith(`rules[${index}].`));
          const error = worst.some((each) => each.severity === "error");
          return (
            <li key={index}>
              <button
                type="button" class="rule-item" data-test="rule" aria-current={index === selected.value ? "true" : undefined} onClick={() => choose(index)}
                onKeyDown={(event) => {
                  if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
                  event.preventDefault();
                  const to = index + (event.key === "ArrowUp" ? -1 : 1);
                  if (event.altKey) shift(index, to);
                  else if (to >= 0 && to < rules.length) choose(to);
                  const list = event.currentTarget.closest("ol");
                  requestAnimationFrame(() => list?.querySelector<HTMLButtonElement>("[aria-current]")?.focus());
                }}
              >
                <span class="num">{index + 1}</span>
                <span class="rule-words"><span class="rule-name">{textOf(rule["name"]) || "without a name"}</span><span class="rule-to">{outcome(rule)}</span></span>
                {worst.length > 0 && <span class={error ? "danger" : "warn"} title={worst[0]!.message}><Icon name="alert" size={14} /><span class="sr">{error ? "has an error" : "has a warning"}</span></span>}
              </button>
            </li>
          );
        })}
      </ol>
      {text.value !== "" && <p class="quiet small rule-rest">The first rule that holds decides. What none takes goes to the account's default queue.</p>}
    </div>
  );
}

function freeName(taken: readonly string[]): string {
  for (let number = taken.length + 1; ; number += 1) if (!taken.includes(`Rule ${number}`)) return `Rule ${number}`;
}
