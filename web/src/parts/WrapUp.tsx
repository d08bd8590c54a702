import { useEffect, useState } from "preact/hooks";
import type { HeldContact } from "../client/protocol";
import { announce } from "../state/announce";
import { coding, wrapUp } from "../state/desk";
import { fetchCodes, type Code } from "../state/definitions";
import { draftOf, setDraft } from "../state/drafts";
import { clock, reachable, secondsLeft } from "../state/store";
import { CHANNEL_WORDS } from "../state/route";
import { Countdown } from "./Countdown";
import { DispositionCodes } from "./DispositionCodes";
import { displayHandle } from "../client/handle";
import { Icon } from "./Icon";
import { SEND_KEY } from "../view/platform";

/** Stands where the reply box stands, so the timeline stays readable. */
export function WrapUp({ held }: { held: HeldContact }) {
  const [from] = useState(() => clock.now(Date.now()));
  const [busy, setBusy] = useState(false);
  const [codes, setCodes] = useState<Code[]>([]);
  const [chosen, setChosen] = useState<string | null>(null);
  const note = draftOf(held.customer, "note");
  const left = held.due_at ? secondsLeft(held.due_at) : null;
  const needed = held.wrap_up === "required";
  useEffect(() => {
    if (left === 30 || left === 10) announce(`${left} seconds of wrap-up left`);
  }, [left]);
  useEffect(() => {
    // Without them the server says what is missing.
    if (held.queue) void fetchCodes(held.queue).then(setCodes, () => undefined);
  }, [held.queue]);
  const ready = reachable.value && !busy && (!needed || chosen !== null);
  const done = async () => {
    if (!ready) return;
    setBusy(true);
    if (await wrapUp(held, chosen, note.trim())) setDraft(held.customer, "note", "");
    setBusy(false);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void done();
    if (event.key === "Escape") (event.target as HTMLElement).blur();
  };
  const holds = held.state === "wrapping" ? ` You hold one ${held.work_class} slot until it is done.` : "";
  return (
    <section class="wrap-up" aria-label="Wrap-up" data-test="wrap-up" data-contact={held.contact} data-mode={held.wrap_up ?? ""} onKeyDown={onKeyDown}>
      <header class="wrap-up-head">
        {held.due_at ? <Countdown from={from} until={held.due_at} channel={held.channel} minutes /> : <span class={`glyph large ch-${held.channel}`}><Icon name={held.channel} /></span>}
        <div class="grow">
          <h2>Wrap-up</h2>
          <p>{CHANNEL_WORDS[held.channel]} with <bdi>{held.customer_name ?? displayHandle(held.handle)}</bdi>.{holds}</p>
        </div>
        {held.state !== "wrapping" && <button type="button" class="button quiet square" aria-label="Not yet" onClick={() => { coding.value = null; }}><Icon name="close" /></button>}
      </header>
      <div class="wrap-up-body">
        {codes.length > 0 && (
          <>
            <span class="label">{needed ? "How did it end?" : "How did it end? Optional."}</span>
            <DispositionCodes codes={codes} chosen={chosen} choose={setChosen} />
          </>
        )}
        <label class="label" for="wrap-note">Note for the timeline</label>
        <textarea
          id="wrap-note" class="field area" rows={2} dir="auto" value={note} data-test="wrap-up-note" placeholder="Optional. Only colleagues see it."
          onInput={(event) => setDraft(held.customer, "note", event.currentTarget.value)}
        />
        <div class="wrap-up-foot">
          <span class="small quiet" data-test="wrap-up-why">{why(needed && chosen === null)}</span>
          <button type="button" class="button primary push" disabled={!ready} data-test="wrap-up-done" onClick={() => void done()}>
            {busy ? <><span class="spinner" />Saving</> : <>{note.trim() ? "Save note and done" : "Done"}<kbd>{SEND_KEY}</kbd></>}
          </button>
        </div>
      </div>
    </section>
  );
}

function why(missing: boolean): string | null {
  if (!reachable.value) return "Kept until connected";
  return missing ? "This queue wants to know how it ended" : null;
}
