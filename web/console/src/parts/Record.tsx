/** Something configured: a form over a resource of REST that has a revision. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "../../../src/parts/Icon";
import { useAct } from "../../../src/view/useAct";
import { ask, askTagged } from "../client";
import { said } from "../store";
import { useLoad } from "../view/useLoad";
import { Confirm } from "./Confirm";

/** Read it, change it, send it back as the revision that was read. Without `path` it is new. */
export function Record<T extends object>({ path, begin, method = "PUT", target, send, removable, saved, children }: {
  path: string | null; begin: T; method?: "PUT" | "POST" | "PATCH"; target: (value: T) => string; send: (value: T) => unknown;
  removable?: string | undefined; saved: () => void; children: (value: T, set: (change: Partial<T>) => void) => ComponentChildren;
}) {
  const found = useLoad(async () => (path === null ? { body: begin, tag: null } : await askTagged<T>(path)), [path]);
  const [mine, setMine] = useState<Partial<T>>({});
  const [asking, setAsking] = useState(false);
  const act = useAct();
  if (found.problem) return <div class="inline-error" role="alert"><Icon name="alert" /><span>{found.problem}</span></div>;
  if (!found.value) return null;
  const { tag, body } = found.value;
  const value = { ...body, ...mine };
  const keep = (event: Event) => {
    event.preventDefault();
    void act.run(() => ask(target(value), { method, json: send(value), seen: tag }), () => {
      said.value = { text: "Saved. It counts from now on.", bad: false };
      setMine({});
      found.again();
      saved();
    });
  };
  return (
    <form class="record" onSubmit={keep} data-test="record">
      {children(value, (change) => setMine((before) => ({ ...before, ...change })))}
      {act.problem && <div class="inline-error small" role="alert" data-test="record-problem">
        <Icon name="alert" size={14} /><span class="grow">{act.problem}</span>
        {path !== null && <button type="button" class="link small" onClick={() => { act.clear(); setMine({}); found.again(); }}>Read again</button>}
      </div>}
      <div class="record-acts">
        <button type="submit" class="button primary" data-test="record-save" disabled={act.busy || (path !== null && Object.keys(mine).length === 0)}>{act.busy ? "Saving" : "Save"}</button>
        {removable && path !== null && <button type="button" class="button danger" onClick={() => setAsking(true)}>Remove</button>}
      </div>
      {asking && path !== null && (
        <Confirm title="Remove?" yes="Remove" onNo={() => setAsking(false)} onYes={() => { setAsking(false); void act.run(() => ask(path, { method: "DELETE", seen: tag }), saved); }}>
          <p>{removable}</p>
        </Confirm>
      )}
    </form>
  );
}

/** A list with the chosen one's form beside it. */
export function Beside({ list, children }: { list: ComponentChildren; children: ComponentChildren }) {
  return <div class="beside"><div class="beside-list">{list}</div><div class="beside-form">{children}</div></div>;
}

/** Lines of a list: one is chosen by its id in the address. */
export function Lines({ items, chosen, onChoose, onNew, what }: {
  items: readonly { id: string; title: string; note: string }[]; chosen: string | null; onChoose: (id: string) => void; onNew?: (() => void) | undefined; what: string;
}) {
  return (
    <>
      {onNew && <button type="button" class="button small" data-test="new" onClick={onNew}><Icon name="plus" size={14} />{what}</button>}
      <ul class="lines">
        {items.map((each) => (
          <li key={each.id}><button type="button" class="line-item" aria-current={each.id === chosen ? "true" : undefined} data-test="line" data-id={each.id} onClick={() => onChoose(each.id)}>
            <span class="strong">{each.title}</span><span class="quiet small">{each.note}</span>
          </button></li>
        ))}
      </ul>
      {!items.length && <p class="quiet">None yet.</p>}
    </>
  );
}
