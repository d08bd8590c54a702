import type { Content, ContactCard, ContentOf } from "../../client/protocol";
import { lead, mapAddress, safe } from "../../view/content";
import { Icon } from "../Icon";

/** What stands above the words of a message: how it came about. */
export function Leads({ content }: { content: readonly Content[] }) {
  const words = content.map(lead).filter((each) => each !== null);
  return words.length > 0 ? <p class="lead" data-test="lead">{words.join(" · ")}</p> : null;
}

/** What stands beside the words: places, cards, orders, answers. */
export function Contents({ content, hasBody }: { content: readonly Content[]; hasBody: boolean }) {
  return <>{content.map((each, at) => <One key={at} content={each} hasBody={hasBody} />)}</>;
}

function One({ content, hasBody }: { content: Content; hasBody: boolean }) {
  switch (content.type) {
    case "location": return <Place {...content} />;
    case "cards": return <>{content.cards.map((card, at) => <Person key={at} {...card} />)}</>;
    case "choice": return <Chosen {...content} hasBody={hasBody} />;
    case "order": return <Basket {...content} />;
    case "referral": return <Origin {...content} />;
    case "shared": return <Link url={content.url} title={content.title ?? `Shared ${content.kind.replaceAll("_", " ")}`} />;
    case "story": return content.url ? <Link url={content.url} title="Story, available for a short time" /> : null;
    case "form": return <Answers {...content} />;
    case "notice": return <p class="part quiet" data-content="notice">{content.text}</p>;
    case "unsupported":
      return <p class="part quiet" data-content="unsupported"><Icon name="alert" size={14} /> {(content.reason ?? `A message of a kind that cannot be shown here (${content.kind})`).replace(/\.$/, "")}. The source is kept.</p>;
    default: return null;
  }
}

function Place({ latitude, longitude, name, address }: ContentOf<"location">) {
  return (
    <a class="part boxed" data-content="location" href={mapAddress(latitude, longitude)} target="_blank" rel="noreferrer noopener">
      <Icon name="pin" size={16} />
      <span><b dir="auto">{name ?? "Location"}</b>{address && <span class="block" dir="auto">{address}</span>}<span class="block small quiet ltr">{latitude.toFixed(5)}, {longitude.toFixed(5)}</span></span>
    </a>
  );
}

function Person({ name, phones, emails, company }: ContactCard) {
  return (
    <span class="part boxed" data-content="cards">
      <Icon name="user" size={16} />
      <span><b dir="auto">{name}</b>{company && <span class="block" dir="auto">{company}</span>}{[...phones, ...emails].map((each) => <span key={each} class="block small ltr">{each}</span>)}</span>
    </span>
  );
}

function Chosen({ title, description, id, hasBody }: ContentOf<"choice"> & { hasBody: boolean }) {
  const told = [hasBody ? null : title, description].filter((each) => each !== null);
  if (told.length === 0) return null;
  return <p class="part" dir="auto" data-content="choice" title={id ?? undefined}>{told.join(", ")}</p>;
}

function Basket({ items, catalogue }: ContentOf<"order">) {
  return (
    <table class="part basket" data-content="order">
      <caption>Order{catalogue && <span class="quiet"> from catalogue {catalogue}</span>}</caption>
      <tbody>{items.map((each, at) => <tr key={at}><td>{each.quantity} ×</td><td>{each.product}</td><td class="amount">{each.price} {each.currency}</td></tr>)}</tbody>
    </table>
  );
}

function Origin({ source, headline, body, url, ref }: ContentOf<"referral">) {
  const target = safe(url);
  return (
    <span class="part boxed" data-content="referral">
      <Icon name="link" size={16} />
      <span><span class="block small quiet">Came by {source.replaceAll("_", " ").toLowerCase()}{ref && `, ${ref}`}</span>
        {headline && <b dir="auto">{headline}</b>}{body && <span class="block" dir="auto">{body}</span>}
        {target && <a class="block small" href={target} target="_blank" rel="noreferrer noopener">{url}</a>}</span>
    </span>
  );
}

function Link({ url, title }: { url: string | null; title: string }) {
  return <a class="part boxed" data-content="shared" href={safe(url)} target="_blank" rel="noreferrer noopener"><Icon name="link" size={16} /><span dir="auto">{title}</span></a>;
}

function Answers({ name, answers }: ContentOf<"form">) {
  return (
    <dl class="part fields answers" data-content="form">
      {name && <dt class="wide">{name}</dt>}
      {Object.entries(answers).map(([question, answer]) => <><dt key={question}>{question}</dt><dd dir="auto">{answer}</dd></>)}
    </dl>
  );
}
