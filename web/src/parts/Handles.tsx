import { useState } from "preact/hooks";
import type { Channel, Customer, HandleKind } from "../client/protocol";
import { addHandle } from "../state/edits";
import { CHANNEL_WORDS } from "../state/route";
import { useAct } from "../view/useAct";
import { Address, AddressForm } from "./Address";
import { Handle } from "./Handle";
import { InlineForm } from "./InlineForm";
import { Section } from "./Section";

type Adding = HandleKind | "address";
const KINDS: [Adding, string][] = [["phone", "Number"], ["email", "E-mail"], ["social", "Social"], ["address", "Address"]];
const SOCIAL = ["messenger", "instagram", "whatsapp", "telegram", "line", "x", "viber", "slack", "generic", "chat", "sms"] as const;
const VALUE_WORDS: Record<HandleKind, string> = { phone: "Number, with + and country", email: "E-mail address", social: "Name or id there" };
const MODES = { phone: "tel", email: "email", social: "text" } as const;

/** How to reach the customer: every handle, and where they live. */
export function Handles({ customer }: { customer: Customer }) {
  const { handles, addresses } = customer;
  return (
    <Section id="contact" title="Contact" addLabel="Add a number, an e-mail, a social handle or an address" add={(close) => <Add customer={customer} onClose={close} />}>
      {handles.length + addresses.length === 0 && <p class="none">No handle is known.</p>}
      <ul>
        {handles.map((handle) => <Handle key={handle.id} customer={customer.id} handle={handle} />)}
        {addresses.map((address) => <Address key={address.id} address={address} />)}
      </ul>
    </Section>
  );
}

function Add({ customer, onClose }: { customer: Customer; onClose: () => void }) {
  const [kind, setKind] = useState<Adding>("phone");
  return (
    <div class="adding">
      <div class="tabs" role="tablist" aria-label="What to add">
        {KINDS.map(([each, word]) => (
          <button type="button" role="tab" key={each} aria-selected={kind === each} data-test={`add-${each}`} onClick={() => setKind(each)}>{word}</button>
        ))}
      </div>
      {kind === "address" ? <AddressForm customer={customer.id} onClose={onClose} /> : <AddHandle key={kind} customer={customer} kind={kind} onClose={onClose} />}
    </div>
  );
}

function AddHandle({ customer, kind, onClose }: { customer: Customer; kind: HandleKind; onClose: () => void }) {
  const [value, setValue] = useState("");
  const [label, setLabel] = useState("");
  const [channel, setChannel] = useState<Channel>(SOCIAL[0]);
  const [account, setAccount] = useState("");
  const act = useAct();
  const word = VALUE_WORDS[kind];
  // As handles that come by a channel have it: an id means something on one page or app only.
  const scope = kind === "social" ? { scope: account.trim() ? `${channel}:${account.trim()}` : channel } : {};
  return (
    <InlineForm act={act} label={kind === "social" ? "Add a social handle" : `Add ${word}`} verb="Add" ready={value.trim() !== ""} test="handle-form" onCancel={onClose}
      onSubmit={() => void act.run(() => addHandle(customer.id, { kind, value: value.trim(), ...scope, label: label.trim() || null }), onClose)}>
      {kind === "social" && (
        <>
          <select class="field" aria-label="Where" value={channel} data-test="handle-channel" onChange={(event) => setChannel(event.currentTarget.value as Channel)}>
            {SOCIAL.map((each) => <option key={each} value={each}>{CHANNEL_WORDS[each]}</option>)}
          </select>
          <input class="field" aria-label="Our page or account there" placeholder="Our page or account there, if known" value={account} maxLength={180} autocomplete="off" data-test="handle-account"
            onInput={(event) => setAccount(event.currentTarget.value)} />
        </>
      )}
      <input class="field" type="text" inputMode={MODES[kind]} aria-label={word} placeholder={word} value={value} data-test="handle-value" autocomplete="off"
        onInput={(event) => setValue(event.currentTarget.value)} />
      <input class="field" aria-label="Label" placeholder="Label: mobile, office" value={label} maxLength={63} data-test="handle-label-input"
        onInput={(event) => setLabel(event.currentTarget.value)} />
    </InlineForm>
  );
}
