import { useEffect, useState } from "preact/hooks";
import type { Id, Pin, Relationship } from "../client/protocol";
import { open } from "../state/desk";
import { addRelationship, fetchRelationshipTypes, removePin, removeRelationship, type RelationshipType } from "../state/edits";
import { minute, reachable } from "../state/store";
import { authorWords } from "../view/fields";
import { shortDay } from "../view/format";
import { useAct } from "../view/useAct";
import { Avatar } from "./Avatar";
import { CustomerSearch } from "./CustomerSearch";
import { Icon } from "./Icon";
import { Problem } from "./Problem";
import { Section } from "./Section";

/** To whom the customer relates, and what is pinned of their timelines. */
export function Relationships({ customer, relationships, pins }: { customer: Id; relationships: readonly Relationship[]; pins: readonly Pin[] }) {
  return (
    <Section id="relationships" title="Relationships" addLabel="Add a relationship" add={(close) => <Add customer={customer} onClose={close} />}>
      {relationships.length + pins.length === 0 && <p class="none">None yet.</p>}
      <ul>
        {relationships.map((each) => (
          <li class="relation" key={each.id} data-test="relationship" data-customer={each.customer} title={authorWords(each.by, each.at, minute.value)}>
            <Avatar id={each.customer} name={each.name} size="s" />
            <button type="button" class="link ellipsis" data-test="relationship-open" onClick={() => void open(each.customer, each.name)}><bdi>{each.name ?? "Unknown customer"}</bdi></button>
            <span class="quiet small ellipsis">{each.label}</span>
            <button type="button" class="row-more" disabled={!reachable.value} aria-label={`Remove ${each.name ?? "this relationship"}`} title="Remove" data-test="relationship-remove"
              onClick={() => void removeRelationship(each.id)}><Icon name="close" size={12} /></button>
          </li>
        ))}
        {pins.map((pin) => (
          <li class="pin" key={pin.id} data-test="pin" title={`Pinned by ${authorWords(pin.by, pin.at, minute.value)}`}>
            <Icon name="pushpin" size={14} />
            <button type="button" class="value block-value" onClick={() => void open(pin.customer, pin.name)}>
              <span class="block pin-text" dir="auto">{pin.entry.body}</span>
              <span class="by">{pin.name ?? "Unknown customer"}, {shortDay(pin.entry.at, minute.value)}</span>
            </button>
            <button type="button" class="row-more" disabled={!reachable.value} aria-label="Unpin" title="Unpin" onClick={() => void removePin(pin.id)}><Icon name="close" size={12} /></button>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Add({ customer, onClose }: { customer: Id; onClose: () => void }) {
  const [types, setTypes] = useState<RelationshipType[]>([]);
  const [type, setType] = useState("");
  const act = useAct();
  useEffect(() => {
    void act.run(async () => {
      const found = await fetchRelationshipTypes();
      setTypes(found);
      setType(found[0]?.id ?? "");
    });
  }, []);
  return (
    <div class="adding" data-test="relationship-form" onKeyDown={(event) => { if (event.key === "Escape") onClose(); }}>
      <select class="field" aria-label="How they relate" value={type} data-test="relationship-type" onChange={(event) => setType(event.currentTarget.value)}>
        {types.map((each) => <option key={each.id} value={each.id}>{each.label}</option>)}
      </select>
      <CustomerSearch id="related" placeholder="Whom" without={customer} autofocus
        onChoose={(item) => { if (type) void act.run(() => addRelationship(customer, type, item.id), onClose); }} />
      {act.problem && <Problem text={act.problem} />}
      {types.length === 0 && !act.busy && !act.problem && <p class="none">An administrator has to define types of relationships first.</p>}
    </div>
  );
}
