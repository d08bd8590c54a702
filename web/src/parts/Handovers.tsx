import { useEffect } from "preact/hooks";
import { displayHandle } from "../client/handle";
import type { HandoverCard } from "../client/protocol";
import { announce } from "../state/announce";
import { declineReasons } from "../state/definitions";
import { keepIt, refuseToTakeOver, takeOver } from "../state/desk";
import { mine, reachable, secondsLeft } from "../state/store";
import { Countdown } from "./Countdown";
import { Icon } from "./Icon";
import { Menu } from "./Menu";

/** A card may be drawn again elsewhere on the page; it is announced once. */
const announced = new Set<string>();

/** What colleagues ask this agent to take over, and what this agent asks of them. */
export function Handovers() {
  const cards = [...(mine.value?.handovers.values() ?? [])];
  if (cards.length === 0) return null;
  return (
    <section class="offers docked handovers" aria-label="Handovers" data-test="handovers">
      {cards.map((card) => (card.to.id === mine.value?.me ? <Asked key={card.handover} card={card} /> : <Asking key={card.handover} card={card} />))}
    </section>
  );
}

const nameOf = (card: HandoverCard): string => card.customer_name ?? displayHandle(card.handle);

function Asked({ card }: { card: HandoverCard }) {
  const left = secondsLeft(card.expires_at);
  const busy = !reachable.value || left <= 0;
  const id = `handover-${card.handover}`;
  useEffect(() => {
    if (announced.has(card.handover)) return;
    announced.add(card.handover);
    announce(`${card.by.name} asks you to take over ${nameOf(card)}. ${card.note ?? card.preview}`, "assertive");
  }, [card.handover]);
  return (
    <div class="offer ringing" role="alertdialog" aria-labelledby={`${id}-name`} aria-describedby={`${id}-preview`} data-test="handover-asked" data-handover={card.handover}>
      <span class={`glyph large ch-${card.channel}`}><Icon name={card.channel} size={20} /></span>
      <div class="offer-body">
        <h2 id={`${id}-name`}><bdi class="ellipsis">{nameOf(card)}</bdi></h2>
        <p class="offer-handed"><Icon name="transfer" size={14} /><span><bdi>{card.by.name}</bdi> asks you to take over{card.note && <>: <bdi>{card.note}</bdi></>}</span></p>
        {card.preview && <p class="offer-preview" id={`${id}-preview`} dir="auto">{card.preview}</p>}
        <div class="offer-actions">
          <button type="button" class="button large primary" disabled={busy} data-test="handover-accept" onClick={() => void takeOver(card)}><Icon name={card.channel} />Take over</button>
          <Refuse card={card} busy={busy} />
        </div>
      </div>
      <Countdown from={Date.parse(card.offered_at)} until={card.expires_at} channel={card.channel} />
    </div>
  );
}

/** With a reason, where administrators have defined some. */
function Refuse({ card, busy }: { card: HandoverCard; busy: boolean }) {
  const reasons = declineReasons.value;
  if (reasons.length === 0) return <button type="button" class="button quiet large" disabled={busy} data-test="handover-decline" onClick={() => void refuseToTakeOver(card)}>Decline</button>;
  return (
    <Menu label="Decline" button="Decline" buttonClass="button quiet large" test="handover-decline" disabled={busy}>
      {(close) => reasons.map(({ id, label }) => (
        <button type="button" role="menuitem" key={id} onClick={() => { void refuseToTakeOver(card, id); close(); }}>{label}</button>
      ))}
    </Menu>
  );
}

function Asking({ card }: { card: HandoverCard }) {
  return (
    <div class="offer" role="status" data-test="handover-asking" data-handover={card.handover}>
      <span class={`glyph large ch-${card.channel}`}><Icon name="transfer" size={20} /></span>
      <div class="offer-body">
        <h2><bdi class="ellipsis">{nameOf(card)}</bdi></h2>
        <p class="offer-handed"><span>You asked <bdi>{card.to.name}</bdi> to take over. It is yours until they do.</span></p>
        <div class="offer-actions">
          <button type="button" class="button quiet" disabled={!reachable.value} data-test="handover-cancel" onClick={() => void keepIt(card)}>Keep it</button>
        </div>
      </div>
      <Countdown from={Date.parse(card.offered_at)} until={card.expires_at} channel={card.channel} />
    </div>
  );
}
