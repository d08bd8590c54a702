import { useEffect, useState } from "preact/hooks";
import type { HeldContact } from "../client/protocol";
import { announce } from "../state/announce";
import { post } from "../state/compose";
import { wrapUp } from "../state/desk";
import { draftOf, setDraft } from "../state/drafts";
import { clock, reachable, secondsLeft } from "../state/store";
import { CHANNEL_WORDS } from "../state/route";
import { Countdown } from "./Countdown";
import { displayHandle } from "../client/handle";
import { Icon } from "./Icon";
import { SEND_KEY } from "../view/platform";

/** Stands where the reply box stands, so the timeline stays readable. */
export function WrapUp({ held }: { held: HeldContact }) {
  const [from] = useState(() => clock.now(Date.now()));
  const [busy, setBusy] = useState(false);
  const note = draftOf(held.customer, "note");
  const left = held.due_at ? secondsLeft(held.due_at) : null;
  useEffect(() => {
    if (left === 30 || left === 10) announce(`${left} seconds of wrap-up left`);
  }, [left]);
  const done = async () => {
    if (busy || !reachable.value) return;
    setBusy(true);
    if (note.trim()) post(held.customer, held.conversation, note, undefined);
    await wrapUp(held.contact);
    setBusy(false);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void done();
    if (event.key === "Escape") (event.target as HTMLElement).blur();
  };
  return (
    <section class="wrap-up" aria-label="Wrap-up" data-test="wrap-up" data-contact={held.contact}>
      <header class="wrap-up-head">
        {held.due_at ? <Countdown from={from} until={held.due_at} channel={held.channel} minutes /> : <span class={`glyph large ch-${held.channel}`}><Icon name={held.channel} /></span>}
        <div class="grow">
          <h2>Wrap-up</h2>
          <p>{CHANNEL_WORDS[held.channel]} with <bdi>{held.customer_name ?? displayHandle(held.handle)}</bdi>. You hold one {held.work_class} slot until it is done.</p>
        </div>
      </header>
      <div class="wrap-up-body">
        <label class="label" for="wrap-note">Note for the timeline</label>
        <textarea
          id="wrap-note" class="field area" rows={2} dir="auto" value={note} data-test="wrap-up-note" placeholder="Optional. Only colleagues see it."
          onInput={(event) => setDraft(held.customer, "note", event.currentTarget.value)} onKeyDown={onKeyDown}
        />
        <div class="wrap-up-foot">
          <span class="small quiet">{reachable.value ? null : "Kept until connected"}</span>
          <button type="button" class="button primary push" disabled={busy || !reachable.value} data-test="wrap-up-done" onClick={() => void done()}>
            {busy ? <><span class="spinner" />Saving</> : <>{note.trim() ? "Save note and done" : "Done"}<kbd>{SEND_KEY}</kbd></>}
          </button>
        </div>
      </div>
    </section>
  );
}
