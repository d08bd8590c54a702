/** Small fields of forms. */
import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { Icon } from "../../../src/parts/Icon";

export function Labelled({ label, hint, children }: { label: string; hint?: string | undefined; children: ComponentChildren }) {
  return <label class="labelled"><span class="label">{label}</span>{children}{hint && <span class="quiet small">{hint}</span>}</label>;
}

/** One of these, or what is written though it is none of them. */
export function Choice({ value, options, onChange, label, empty, test, disabled }: {
  value: string; options: readonly (string | [string, string])[]; onChange: (value: string) => void; label: string;
  empty?: string; test?: string; disabled?: boolean;
}) {
  const pairs = options.map((each): [string, string] => (typeof each === "string" ? [each, each] : each));
  const known = pairs.some(([id]) => id === value);
  return (
    <select class="choice" aria-label={label} value={value} data-test={test} disabled={disabled} onChange={(event) => onChange(event.currentTarget.value)}>
      {(empty !== undefined || value === "") && <option value="">{empty ?? "Choose"}</option>}
      {!known && value !== "" && <option value={value}>{value} (unknown)</option>}
      {pairs.map(([id, name]) => <option key={id} value={id}>{name}</option>)}
    </select>
  );
}

export function Line({ value, onInput, label, test, list, number, disabled, placeholder }: {
  value: string | number; onInput: (value: string) => void; label: string; test?: string; list?: readonly string[];
  number?: boolean; disabled?: boolean; placeholder?: string;
}) {
  const id = useId();
  return (
    <>
      <input
        type="text" class="line-field" aria-label={label} value={value} data-test={test} disabled={disabled} placeholder={placeholder} spellcheck={false} autocomplete="off"
        inputMode={number ? "numeric" : "text"} list={list?.length ? id : undefined} onInput={(event) => onInput(event.currentTarget.value)}
      />
      {list && list.length > 0 && <datalist id={id}>{list.map((each) => <option key={each} value={each} />)}</datalist>}
    </>
  );
}

/** Several words: Enter or a comma adds one, each can be taken away. */
export function Words({ values, onChange, label, list = [], test, disabled }: {
  values: readonly string[]; onChange: (values: string[]) => void; label: string; list?: readonly string[]; test?: string; disabled?: boolean;
}) {
  const id = useId();
  const [begun, setBegun] = useState("");
  const add = () => {
    const word = begun.trim();
    setBegun("");
    if (word && !values.includes(word)) onChange([...values, word]);
  };
  return (
    <div class="words-field" data-test={test}>
      {values.map((each) => (
        <span class="tag accent" key={each}>
          {each}
          {!disabled && <button type="button" aria-label={`Remove ${each}`} onClick={() => onChange(values.filter((other) => other !== each))}><Icon name="close" size={11} /></button>}
        </span>
      ))}
      {!disabled && (
        <input
          type="text" aria-label={`${label}: add`} value={begun} list={list.length ? id : undefined} placeholder={values.length ? "" : "add, then Enter"} spellcheck={false} autocomplete="off"
          onInput={(event) => setBegun(event.currentTarget.value)} onBlur={add}
          onKeyDown={(event) => {
            if (event.key === "Enter" || event.key === ",") {
              event.preventDefault();
              add();
            }
            if (event.key === "Backspace" && begun === "" && values.length) onChange(values.slice(0, -1));
          }}
        />
      )}
      {list.length > 0 && <datalist id={id}>{list.map((each) => <option key={each} value={each} />)}</datalist>}
    </div>
  );
}

/** Skills at their levels, 1 to 10. */
export function Levels({ levels, onChange, label, known, test, disabled }: {
  levels: Readonly<Record<string, unknown>>; onChange: (levels: Record<string, number>) => void; label: string; known: readonly string[]; test?: string; disabled?: boolean;
}) {
  const all = Object.entries(levels).map(([skill, level]): [string, number] => [skill, Number(level)]);
  const left = known.filter((each) => !(each in levels));
  const set = (pairs: [string, number][]) => onChange(Object.fromEntries(pairs));
  return (
    <div class="levels" data-test={test} role="group" aria-label={label}>
      {all.map(([skill, level], index) => (
        <span class="level" key={skill}>
          <span class="ellipsis" title={skill}>{skill}</span>
          <input
            type="number" min={1} max={10} value={level} aria-label={`${skill}: level`} disabled={disabled}
            onInput={(event) => set(all.map((each, at) => (at === index ? [skill, event.currentTarget.valueAsNumber || 1] : each)))}
          />
          {!disabled && <button type="button" class="take" aria-label={`Remove ${skill}`} onClick={() => set(all.filter((_, at) => at !== index))}><Icon name="close" size={12} /></button>}
        </span>
      ))}
      {!disabled && left.length > 0 && <Choice value="" empty="Add a skill" label={`${label}: add a skill`} options={left} onChange={(skill) => skill && set([...all, [skill, 1]])} />}
      {!disabled && known.length === 0 && all.length === 0 && <span class="quiet small">No skills are defined yet.</span>}
    </div>
  );
}
