import { useEffect, useState } from "preact/hooks";
import { MAX_TASK, type HeldContact, type Target } from "../client/protocol";
import { fetchPeople, named, type People, type Whom } from "../state/people";
import { agent, dialog, reachable } from "../state/store";
import { ask } from "../state/wire";
import { SEND_KEY } from "../view/platform";
import { useAct } from "../view/useAct";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";
import { Problem } from "./Problem";

const OUTSIDE = "number";

/** To whom a contact goes on: a colleague, a queue, or for a call a number outside. */
export function TransferDialog({ held }: { held: HeldContact }) {
  const [people, setPeople] = useState<People | null>(null);
  const [whom, setWhom] = useState<Whom | typeof OUTSIDE | "">("");
  const [number, setNumber] = useState("");
  const [warm, setWarm] = useState(false);
  const [note, setNote] = useState("");
  const act = useAct();
  const close = () => { dialog.value = null; };
  useEffect(() => void act.run(async () => setPeople(await fetchPeople())), []);
  const call = held.work_class === "voice";
  const ready = reachable.value && !act.busy && (whom === OUTSIDE ? number.trim() !== "" : whom !== "");
  const mayWarm = call || whom.startsWith("agent:");
  const target = (): Target => (whom === OUTSIDE ? { number: number.trim() } : named(whom as Whom));
  const send = () => {
    if (ready) void act.run(() => ask({ type: "transfer", contact: held.contact, to: target(), ...(mayWarm && warm && { warm }), ...(note.trim() && { note: note.trim() }) }), close);
  };
  const colleagues = people?.agents.filter((each) => each.id !== agent.value?.id) ?? [];
  return (
    <Dialog label="Transfer this contact" kind="transfer">
      <form class="merge" onSubmit={(event) => { event.preventDefault(); send(); }}>
        <header class="merge-head">
          <div class="grow"><h2>Transfer to whom?</h2><p class="quiet">{call ? "The caller hears hold music until somebody takes the call." : "The conversation stays whole: they see everything you saw."}</p></div>
          <button type="button" class="button quiet square small" aria-label="Close" onClick={close}><Icon name="close" /></button>
        </header>
        <div class="merge-body transfer-body">
          <label>To
            <select class="field" value={whom} data-test="transfer-to" onChange={(event) => setWhom(event.currentTarget.value as Whom)}>
              <option value="" disabled>{people ? "Choose" : "Reading colleagues and queues"}</option>
              {colleagues.length > 0 && <optgroup label="Colleagues">{colleagues.map((each) => <option key={each.id} value={`agent:${each.id}`}>{each.name}</option>)}</optgroup>}
              {people && people.queues.length > 0 && <optgroup label="Queues">{people.queues.map((each) => <option key={each.id} value={`queue:${each.id}`}>{each.name}</option>)}</optgroup>}
              {call && <option value={OUTSIDE}>A number outside</option>}
            </select>
          </label>
          {whom === OUTSIDE && <label>Number <input class="field" inputMode="tel" placeholder="+14155550123" value={number} data-test="transfer-number" onInput={(event) => setNumber(event.currentTarget.value)} /></label>}
          {mayWarm && (
            <label class="check"><input type="checkbox" checked={warm} data-test="transfer-warm" onChange={(event) => setWarm(event.currentTarget.checked)} />
              <span>{call ? "Stay until they are there" : "Ask first"}<span class="by">{call ? "You speak to them first and leave by hanging up." : "It stays yours until they take it over."}</span></span></label>
          )}
          <label>Note for them
            <textarea class="field area" rows={2} dir="auto" maxLength={MAX_TASK} value={note} data-test="transfer-note" placeholder="Optional. They read it before they accept." onInput={(event) => setNote(event.currentTarget.value)}
              onKeyDown={(event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(); }} />
          </label>
          {act.problem && <Problem text={act.problem} />}
        </div>
        <footer class="merge-foot">
          <span class="grow" />
          <button type="button" class="button" onClick={close}>Cancel <kbd>Esc</kbd></button>
          <button type="submit" class="button primary" disabled={!ready} data-test="transfer-confirm">{act.busy && people ? "Transferring" : "Transfer"} <kbd>{SEND_KEY}</kbd></button>
        </footer>
      </form>
    </Dialog>
  );
}
