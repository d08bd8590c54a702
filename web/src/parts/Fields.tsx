import { useState } from "preact/hooks";
import type { Customer } from "../client/protocol";
import { fieldsOf, isEmpty } from "../view/fields";
import { FieldRow } from "./FieldRow";
import { Section } from "./Section";

/** Every value of the profile, the company's own fields among them. Unknown ones are shown on demand. */
export function Fields({ customer }: { customer: Customer }) {
  const [all, setAll] = useState(false);
  const views = fieldsOf(customer);
  const shown = all ? views : views.filter((view) => !isEmpty(view.value) || view.field.startsWith("fields."));
  const hidden = views.length - shown.length;
  return (
    <Section id="fields" title="Fields">
      <dl class="kv">{shown.map((view) => <FieldRow key={view.field} customer={customer} view={view} />)}</dl>
      {(hidden > 0 || all) && (
        <button type="button" class="link small more-link" data-test="all-fields" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Only what is known" : `${hidden} more without a value`}
        </button>
      )}
    </Section>
  );
}
