import { useState } from "preact/hooks";
import type { Customer, EditValue, Provenance } from "../client/protocol";
import { Refused } from "../client/requests";
import { editValue } from "../state/edits";
import { reachable } from "../state/store";
import { draftOf, isEmpty, originWords, valueOf, valueWords, type FieldView } from "../view/fields";
import { time } from "../view/format";
import { useAct } from "../view/useAct";
import { FieldEditor } from "./FieldEditor";
import { Icon } from "./Icon";
import { InlineForm } from "./InlineForm";
import { Problem } from "./Problem";

/** A value that is edited where it stands. */
export function FieldRow({ customer, view }: { customer: Customer; view: FieldView }) {
  const [editing, setEditing] = useState(false);
  const origin = customer.provenance[view.field];
  return (
    <div class="kv-row" data-test="value" data-field={view.field}>
      <dt class="ellipsis" title={view.label}>{view.label}</dt>
      <dd>
        {editing ? <Editor customer={customer} view={view} origin={origin} onClose={() => setEditing(false)} /> : (
          <>
            <button type="button" class={`value ${isEmpty(view.value) ? "quiet" : ""}`} disabled={!reachable.value} title={originWords(origin)}
              aria-label={`${view.label}: ${valueWords(view)}. Edit`} data-test="value-edit" onClick={() => setEditing(true)}>
              <bdi>{valueWords(view)}</bdi><Icon name="edit" size={12} />
            </button>
            {view.kind === "link" && typeof view.value === "string" && /^https?:\/\//i.test(view.value) && (
              <a href={view.value} target="_blank" rel="noreferrer noopener" aria-label={`Open ${view.label}`}><Icon name="link" size={14} /></a>
            )}
          </>
        )}
      </dd>
    </div>
  );
}

function Editor({ customer, view, origin, onClose }: {
  customer: Customer; view: FieldView; origin: Provenance | undefined; onClose: () => void;
}) {
  const [draft, setDraft] = useState(() => draftOf(view));
  const [seen, setSeen] = useState(origin?.revision ?? 0);
  const [conflict, setConflict] = useState(false);
  const act = useAct();
  const value = valueOf(draft, view.kind);
  const save = (revision: number) => void act.run(() => editValue(customer.id, view.field, value as EditValue, revision).catch((error: unknown) => {
    if (!(error instanceof Refused) || error.frame.code !== "conflict") throw error;
    setConflict(true);
    setSeen(revision);
    throw error;
  }), onClose);
  const current = origin?.revision ?? 0;
  const problem = conflict && act.problem ? (
    <Problem>
      <span data-test="conflict">{conflictWords(view, origin, current > seen ? null : act.problem)}</span>
      <span class="inline-actions">
        <button type="button" class="button small" data-test="save-mine" disabled={act.busy} onClick={() => save(current)}>Save mine</button>
        <button type="button" class="button quiet small" data-test="take-theirs" onClick={onClose}>Keep theirs</button>
      </span>
    </Problem>
  ) : value === undefined ? <Problem text="This is not a number." /> : undefined;
  return (
    <InlineForm act={act} label={`Edit ${view.label}`} ready={value !== undefined} problem={problem} test="value-form" onSubmit={() => save(seen)} onCancel={onClose}>
      <FieldEditor view={view} draft={draft} onDraft={setDraft} />
    </InlineForm>
  );
}

function conflictWords(view: FieldView, origin: Provenance | undefined, otherwise: string | null): string {
  if (otherwise || !origin) return otherwise ?? "";
  return `${origin.by?.name ?? "Another system"} changed this to “${valueWords(view)}” at ${time(origin.at)}. What you typed is kept.`;
}
