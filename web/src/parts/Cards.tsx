import type { Card, CardLine, Id } from "../client/protocol";
import { refreshCards } from "../state/edits";
import { minute, reachable } from "../state/store";
import { plural, shortDay, shortWhen } from "../view/format";
import { Icon } from "./Icon";

/** What other systems say. Late answers fill in their own section and move nothing above it. */
export function Cards({ customer, cards }: { customer: Id; cards: readonly Card[] }) {
  return <>{cards.map((card) => <One key={card.source} customer={customer} card={card} />)}</>;
}

function One({ customer, card }: { customer: Id; card: Card }) {
  const id = `card-${card.source}`;
  const old = card.state === "stale" || card.state === "waiting";
  return (
    <section class="section" aria-labelledby={id} aria-busy={card.state === "waiting"} data-test="card" data-source={card.source} data-state={card.state}>
      <h2 id={id}>{card.title}<span>{card.fetched_at ? `${card.source}, ${shortWhen(card.fetched_at, minute.value)}` : card.source}</span></h2>
      {card.state === "failed" ? <Failed customer={customer} card={card} /> : card.lines.length === 0 && <p class="none">{card.state === "waiting" ? "Being looked up." : "Nothing there."}</p>}
      {card.lines.map((line, at) => <Line key={at} line={line} old={old || card.state === "failed"} />)}
      {card.more > 0 && <p class="small quiet">{plural(card.more, "earlier line")} not shown</p>}
      {card.state === "stale" && <p class="small quiet" data-test="card-stale">Being asked for again.</p>}
    </section>
  );
}

function Failed({ customer, card }: { customer: Id; card: Card }) {
  return (
    <div class="inline-error small">
      <Icon name="alert" size={14} />
      <div class="grow">
        <b class="block">{card.title} did not load</b>
        {card.problem} {card.fetched_at && <>Last seen {shortWhen(card.fetched_at, minute.value)}.</>}
        <button type="button" class="link block" disabled={!reachable.value} data-test="card-retry" onClick={() => void refreshCards(customer)}>Try again</button>
      </div>
    </div>
  );
}

function Line({ line, old }: { line: CardLine; old: boolean }) {
  const link = line.link && /^https?:\/\//i.test(line.link) ? line.link : undefined;
  return (
    <div class={`order ${old ? "old" : ""}`} data-test="card-line">
      <div class="order-top">
        {link ? <a class="ellipsis" href={link} target="_blank" rel="noreferrer noopener">{line.title}</a> : <span class="ellipsis" title={line.title}>{line.title}</span>}
        {line.amount && <span class="order-amount">{line.amount}</span>}
      </div>
      {(line.text || line.at) && <p class="small quiet">{[line.text, line.at && shortDay(line.at, minute.value)].filter(Boolean).join(", ")}</p>}
      {line.status && <p class={`small order-status ${line.tone ?? ""}`}>{line.status}</p>}
    </div>
  );
}
