import { useState } from "preact/hooks";
import type { Detail, Id } from "../client/protocol";
import { addDetail, changeDetail, removeDetail } from "../state/edits";
import { minute, reachable } from "../state/store";
import { authorWords } from "../view/fields";
import { fullWhen } from "../view/format";
import { useAct } from "../view/useAct";
import { InlineForm } from "./InlineForm";
import { Section } from "./Section";

/** Free notes on the person: allergies, floors, how to address them. */
export function PersonDetails({ customer, details }: { customer: Id; details: readonly Detail[] }) {
  return (
    <Section id="details" title="Details" addLabel="Add a detail" add={(close) => <DetailForm customer={customer} onClose={close} />}>
      {details.length === 0 && <p class="none">Allergies, preferred floor, how to address them.</p>}
      <ul>{details.map((detail) => <One key={detail.id} customer={customer} detail={detail} />)}</ul>
    </Section>
  );
}

function One({ customer, detail }: { customer: Id; detail: Detail }) {
  const [editing, setEditing] = useState(false);
  if (editing) return <li class="detail-note"><DetailForm customer={customer} detail={detail} onClose={() => setEditing(false)} /></li>;
  return (
    <li class="detail-note" data-test="detail">
      <button type="button" class="value block-value" disabled={!reachable.value} title="Edit this detail" data-test="detail-edit" onClick={() => setEditing(true)}>
        <span dir="auto" class="block">{detail.body}</span>
        <span class="by" title={fullWhen(detail.at)}>{authorWords(detail.by, detail.at, minute.value)}</span>
      </button>
    </li>
  );
}

function DetailForm({ customer, detail, onClose }: { customer: Id; detail?: Detail; onClose: () => void }) {
  const [body, setBody] = useState(detail?.body ?? "");
  // The revision read when the editing began: who saves over a newer one is told.
  const [revision] = useState(detail?.revision ?? 0);
  const act = useAct();
  const save = () => (detail ? changeDetail(detail.id, body.trim(), revision) : addDetail(customer, body.trim()));
  return (
    <InlineForm act={act} label="Detail" verb={detail ? "Save" : "Add"} ready={body.trim() !== ""} test="detail-form" onCancel={onClose} onSubmit={() => void act.run(save, onClose)}
      more={detail && <button type="button" class="button quiet small danger push" data-test="detail-remove" onClick={() => void act.run(() => removeDetail(detail.id), onClose)}>Remove</button>}>
      <textarea class="field area" rows={2} dir="auto" aria-label="Detail" value={body} maxLength={16_000} data-test="detail-text" onInput={(event) => setBody(event.currentTarget.value)} />
    </InlineForm>
  );
}
