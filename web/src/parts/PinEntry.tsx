import { addPin } from "../state/edits";
import { profile, reachable } from "../state/store";
import type { Shown } from "../view/rows";
import { Icon } from "./Icon";
import { Menu } from "./Menu";

/** Keep an entry in view on the profile of somebody the customer relates to. */
export function PinEntry({ entry }: { entry: Shown }) {
  const related = profile.value?.relationships ?? [];
  if (related.length === 0 || entry.pending) return null;
  return (
    <Menu label="Pin to a related customer" button={<Icon name="pushpin" size={14} />} buttonClass="row-more pin-entry" test="pin-entry" align="end" disabled={!reachable.value}>
      {(close) => related.map((each) => (
        <button type="button" role="menuitem" key={each.id} data-test="pin-to" onClick={() => { close(); void addPin(each.customer, entry.id); }}>
          Pin to <bdi>{each.name ?? "unknown customer"}</bdi>, {each.label}
        </button>
      ))}
    </Menu>
  );
}
