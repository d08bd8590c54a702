import { useState } from "preact/hooks";
import type { Address as Of, AddressValues, Id } from "../client/protocol";
import { addAddress, changeAddress, removeAddress } from "../state/edits";
import { minute, reachable } from "../state/store";
import { authorWords } from "../view/fields";
import { useAct } from "../view/useAct";
import { Icon } from "./Icon";
import { InlineForm } from "./InlineForm";

type Line = Exclude<keyof AddressValues, "main">;
const LINES: [Line, string][] = [
  ["street", "Street and number"], ["postal_code", "Postal code"], ["city", "City"], ["region", "Region"], ["country", "Country, two letters"], ["label", "Label: delivery, home"],
];
const NOTHING: AddressValues = { label: null, street: null, city: null, postal_code: null, region: null, country: null, main: false };

export function Address({ address }: { address: Of }) {
  const [editing, setEditing] = useState(false);
  if (editing) return <li class="handle-form"><AddressForm address={address} onClose={() => setEditing(false)} /></li>;
  const { street, city, postal_code, region, country, label, main } = address;
  const short = [street, city].filter(Boolean).join(", ") || postal_code || country;
  const whole = [street, [postal_code, city].filter(Boolean).join(" "), region, country].filter(Boolean).join(", ");
  return (
    <li class="handle" title={`${whole}. ${authorWords(address.by, address.at, minute.value)}`} data-test="address">
      <Icon name="home" />
      <bdi class="ellipsis">{short}</bdi>
      <span class="handle-marks">{main && <Icon name="star" size={12} />}<span class="ellipsis">{label ?? (main && "main")}</span></span>
      <button type="button" class="row-more" disabled={!reachable.value} aria-label={`Edit the address ${short}`} title="Edit" data-test="address-edit" onClick={() => setEditing(true)}>
        <Icon name="edit" size={12} />
      </button>
    </li>
  );
}

export function AddressForm({ customer, address, onClose }: { customer?: Id; address?: Of; onClose: () => void }) {
  const [draft, setDraft] = useState<AddressValues>(address ?? NOTHING);
  const act = useAct();
  const values = (): Partial<AddressValues> => {
    const lines = LINES.map(([line]) => [line, draft[line]?.trim() || null] as const);
    return { ...Object.fromEntries(address ? lines : lines.filter(([, text]) => text !== null)), main: draft.main };
  };
  const save = () => (address ? changeAddress(address.id, { ...values(), revision: address.revision }) : addAddress(customer!, values()));
  return (
    <InlineForm act={act} label="Address" verb={address ? "Save" : "Add"} ready={LINES.some(([line]) => draft[line]?.trim())} test="address-form"
      onCancel={onClose} onSubmit={() => void act.run(save, onClose)}
      more={address && <button type="button" class="button quiet small danger push" data-test="address-remove" onClick={() => void act.run(() => removeAddress(address.id), onClose)}>Remove</button>}>
      {LINES.map(([line, word]) => (
        <input key={line} class="field" aria-label={word} placeholder={word} dir="auto" value={draft[line] ?? ""} data-test={`address-${line}`}
          maxLength={line === "country" ? 2 : 200} onInput={(event) => setDraft({ ...draft, [line]: event.currentTarget.value })} />
      ))}
      <label class="check"><input type="checkbox" checked={draft.main} onChange={(event) => setDraft({ ...draft, main: event.currentTarget.checked })} />Main address</label>
    </InlineForm>
  );
}
