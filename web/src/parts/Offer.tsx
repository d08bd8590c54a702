import { useEffect } from "preact/hooks";
import type { Ring } from "../state/agent";
import { announce } from "../state/announce";
import { hasDraft } from "../state/drafts";
import { declineReasons } from "../state/definitions";
import { accept, decline } from "../state/desk";
import { clock, now, profile, reachable, secondsLeft } from "../state/store";
import { CHANNEL_WORDS } from "../state/route";
import { displayHandle } from "../client/handle";
import { approach, length, profileName } from "../view/format";
import { Countdown } from "./Countdown";
import { Icon } from "./Icon";
import { Menu } from "./Menu";

/** A card may be drawn again elsewhere on the page; it is announced once. */
const announced = new Set<string>();

export function Offer({ offer, place, docked }: { offer: Ring; place: number; docked: boolean }) {
  const name = offer.customer_name ?? displayHandle(offer.handle);
  const seconds = secondsLeft(offer.expires_at);
  useEffect(() => {
    if (announced.has(offer.offer)) return;
    announced.add(offer.offer);
    announce(`${approach(offer.channel, offer.messages, offer.account)} from ${name}. ${offer.preview}`, "assertive");
  }, [offer.offer]);
  useEffect(() => {
    if (offer.phase === "ringing" && (seconds === 10 || seconds === 5)) announce(`${seconds} seconds`, "assertive");
  }, [seconds, offer.phase]);
  const id = `offer-${offer.offer}`;
  return (
    <div class={`offer ${offer.phase}`} role="alertdialog" aria-labelledby={`${id}-name`} aria-describedby={`${id}-preview`}
      data-test="offer" data-offer={offer.offer} data-phase={offer.phase}>
      <span class={`glyph large ch-${offer.channel}`}><Icon name={offer.channel} size={20} /></span>
      <div class="offer-body">
        <h2 id={`${id}-name`}><bdi class="ellipsis">{name}</bdi></h2>
        <p class="offer-meta">
          <span>{approach(offer.channel, offer.messages, offer.account)} {offer.customer_name && !docked && <bdi class="ltr">{displayHandle(offer.handle)}</bdi>}</span>
          <span><Icon name="clock" size={14} />Waiting {waiting(offer)}</span>
          <span class="offer-queue"><Icon name="tag" size={14} />{offer.queue}</span>
        </p>
        {offer.preview && <p class="offer-preview" id={`${id}-preview`} dir="auto">{offer.preview}</p>}
        {offer.handed_by && (
          <p class="offer-handed" data-test="offer-handed"><Icon name="transfer" size={14} /><span>From <bdi>{offer.handed_by}</bdi>{offer.note && <>: <bdi>{offer.note}</bdi></>}</span></p>
        )}
        {offer.phase === "ended" ? <p class="offer-ended" role="status" data-test="offer-ended">{offer.ending}</p> : <Actions offer={offer} place={place} left={seconds} />}
        {docked && <Kept />}
      </div>
      <Countdown from={Date.parse(offer.offered_at)} until={offer.expires_at} channel={offer.channel} />
    </div>
  );
}

function Actions({ offer, place, left }: { offer: Ring; place: number; left: number }) {
  const busy = offer.phase !== "ringing" || !reachable.value || left <= 0;
  const key = (letter: string) => (place === 0 ? letter : place === 1 ? `⇧${letter}` : null);
  const verb = offer.channel === "voice" ? "Accept call" : `Accept ${CHANNEL_WORDS[offer.channel]}`;
  return (
    <div class="offer-actions">
      <button type="button" class={`button large ${place === 0 ? "primary" : ""}`} disabled={busy} data-test="accept" onClick={() => void accept(offer)}>
        {offer.phase === "opening" ? <><span class="spinner" />Opening</> : <><Icon name={offer.channel} />{verb}{key("A") && <kbd>{key("A")}</kbd>}</>}
      </button>
      <Decline offer={offer} busy={busy} letter={key("D")} />
      {left <= 0 && offer.phase === "ringing" && <span class="offer-note">Time ran out</span>}
      {offer.channel === "voice" && left > 0 && <span class="offer-note">Your phone rings after the profile is open</span>}
    </div>
  );
}

/** With a reason, where administrators have defined some; the key declines without. */
function Decline({ offer, busy, letter }: { offer: Ring; busy: boolean; letter: string | null }) {
  const reasons = declineReasons.value;
  const words = offer.phase === "declining" ? "Declining" : <>Decline{letter && <kbd>{letter}</kbd>}</>;
  if (reasons.length === 0) return <button type="button" class="button quiet large" disabled={busy} data-test="decline" onClick={() => void decline(offer)}>{words}</button>;
  return (
    <Menu label="Decline" button={words} buttonClass="button quiet large" test="decline" disabled={busy}>
      {(close) => reasons.map(({ id, label }) => (
        <button type="button" role="menuitem" key={id} data-test={`decline-${id}`} onClick={() => { void decline(offer, id); close(); }}>{label}</button>
      ))}
    </Menu>
  );
}

function Kept() {
  const open = profile.value;
  if (!open || !hasDraft(open.id)) return null;
  return <p class="offer-note block">The draft to <bdi>{profileName(open)}</bdi> is kept.</p>;
}

function waiting(offer: Ring): string {
  return length((clock.now(now.value) - Date.parse(offer.waiting_since)) / 1000);
}
