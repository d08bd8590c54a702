import { useState } from "preact/hooks";
import { Icon } from "../../../src/parts/Icon";
import { ask, askAll, askIfThere } from "../client";
import { about } from "../store";
import { SIGNS, textOf } from "../view/rule";
import { dayTime } from "../view/when";
import { useLoad } from "../view/useLoad";
import { type Asked, AskedAgents } from "./Asked";
import { Page } from "./Page";

interface Decision { id: string; contact: string; at: string; version: number | null; rule: string | null; queue: string; priority: number; alert: string | null; undone: string[] }
interface Seen { place: string; field: string; test: Record<string, unknown>; value: unknown; held: boolean }
interface Step { rule: string; held: boolean; because: Seen[] }
interface Explained extends Decision { facts: Record<string, unknown>; steps: Step[]; agrees: boolean; gone: string[]; offers: Asked[] }
interface Contact { id: string; channel: string; queue: string | null; state: string; arrived_at: string }
interface Customer { id: string; name: string | null }

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Why a contact went where it went. */
export function Decisions() {
  const [entered, setEntered] = useState(about.value ?? "");
  const query = about.value;
  const look = (event: Event) => {
    event.preventDefault();
    location.hash = `#/decisions/${encodeURIComponent(entered.trim())}`;
  };
  return (
    <Page title="Decisions" note="Why a contact went where it went">
      <form class="find-form" onSubmit={look} role="search">
        <input class="field" aria-label="A decision, a contact or a customer" placeholder="Id of a decision or contact, or a customer's name, phone, e-mail" data-test="decision-query" value={entered} onInput={(event) => setEntered(event.currentTarget.value)} />
        <button type="submit" class="button" data-test="decision-find"><Icon name="search" size={14} />Find</button>
      </form>
      {query && <Found key={query} query={query} />}
    </Page>
  );
}

type Answer = { decision: Explained } | { contact: string; decisions: Decision[] } | { customers: Customer[] };

async function find(query: string): Promise<Answer> {
  if (UUID.test(query)) {
    const decision = await askIfThere<Explained>(`decisions/${query}`);
    if (decision) return { decision: decision.body };
    return { contact: query, decisions: (await ask<{ items: Decision[] }>(`decisions?contact=${query}`)).items };
  }
  return { customers: (await ask<{ items: Customer[] }>(`customers?${new URLSearchParams({ q: query, limit: "20" })}`)).items };
}

function Found({ query }: { query: string }) {
  const found = useLoad(() => find(query), [query]);
  if (found.problem) return <div class="inline-error" role="alert"><Icon name="alert" /><span>{found.problem}</span></div>;
  if (!found.value) return null;
  if ("decision" in found.value) return <Trace decision={found.value.decision} />;
  if ("decisions" in found.value) return <List decisions={found.value.decisions} />;
  const { customers } = found.value;
  if (!customers.length) return <p class="blank" data-test="none">Nobody was found.</p>;
  return <>{customers.map((each) => <CustomersContacts key={each.id} customer={each} />)}</>;
}

/** The contacts of a customer with what was decided about each. */
function CustomersContacts({ customer }: { customer: Customer }) {
  const found = useLoad(async () => {
    const talks = await askAll<{ contacts?: Contact[] }>(`customers/${customer.id}/conversations`);
    const contacts = talks.flatMap((each) => each.contacts ?? []).slice(-20).reverse();
    return (await Promise.all(contacts.map((each) => ask<{ items: Decision[] }>(`decisions?contact=${each.id}`)))).flatMap((each) => each.items);
  });
  return (
    <section class="block-section" data-test="customer-found">
      <h2>{customer.name ?? "Somebody without a name"}</h2>
      {found.problem && <p class="danger small">{found.problem}</p>}
      {found.value && <List decisions={found.value} />}
    </section>
  );
}

function List({ decisions }: { decisions: Decision[] }) {
  if (!decisions.length) return <p class="blank" data-test="none">No decision: there is no such contact, or no rule has looked at it.</p>;
  return (
    <table class="table" data-test="decisions">
      <thead><tr><th>When</th><th>Rule</th><th>Queue</th><th class="n">Priority</th><th class="n">Version</th><th><span class="sr">Open</span></th></tr></thead>
      <tbody>
        {decisions.map((each) => (
          <tr key={each.id}>
            <td>{dayTime(each.at)}</td><td>{each.rule ?? <span class="quiet">none held</span>}{each.alert && <span class="warn small"> {each.alert}</span>}</td>
            <td>{each.queue}</td><td class="n">{each.priority}</td><td class="n">{each.version ?? "–"}</td>
            <td class="n"><a href={`#/decisions/${each.id}`} data-test="open-decision">Why</a></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Trace({ decision }: { decision: Explained }) {
  const unseen = Object.entries(decision.facts);
  return (
    <div class="trace" data-test="trace">
      <dl class="facts">
        <div><dt>Decided</dt><dd>{dayTime(decision.at)}</dd></div>
        <div><dt>Rule</dt><dd data-test="decided-rule">{decision.rule ?? "none held: the default queue"}</dd></div>
        <div><dt>Queue</dt><dd>{decision.queue}, priority {decision.priority}</dd></div>
        <div><dt>Version</dt><dd>{decision.version === null ? "–" : <a href="#/versions">{decision.version}</a>}</dd></div>
        <div><dt>Contact</dt><dd class="mono"><a href={`#/decisions/${decision.contact}`}>{decision.contact}</a></dd></div>
      </dl>
      {decision.alert && <p class="warn">{decision.alert}</p>}
      {!decision.agrees && <p class="warn">Made again from what was kept, it comes out otherwise.</p>}
      {decision.gone.length > 0 && <p class="quiet">Erased since: {decision.gone.join(", ")}.</p>}
      {decision.undone.length > 0 && <><h2>Not done</h2><ul>{decision.undone.map((each) => <li key={each}>{each}</li>)}</ul></>}
      <h2>Rules it went through</h2>
      <ol class="trace-steps">
        {decision.steps.map((step, index) => (
          <li key={index} class={step.held ? "held-step" : ""} data-test="trace-step" data-held={step.held}>
            <div class="trace-rule"><span class={step.held ? "ok" : "quiet"}><Icon name={step.held ? "check" : "close"} size={14} /></span><b>{step.rule}</b><span class="quiet small">{step.held ? "held" : "did not hold"}</span></div>
            {step.because.length === 0 && <p class="quiet small">It has no condition.</p>}
            <ul>{step.because.map((seen) => (
              <li key={seen.place} class="small"><span class={seen.held ? "ok" : "danger"}><Icon name={seen.held ? "check" : "close"} size={12} /><span class="sr">{seen.held ? "holds" : "fails"}</span></span> {inWords(seen)}; it was <b>{seen.value === null ? "not known" : textOf(seen.value)}</b></li>
            ))}</ul>
          </li>
        ))}
      </ol>
      <AskedAgents offers={decision.offers} />
      {unseen.length > 0 && <><h2>What was known</h2><dl class="facts">{unseen.map(([field, value]) => <div key={field}><dt class="mono">{field}</dt><dd>{value === null ? "not known" : textOf(value)}</dd></div>)}</dl></>}
    </div>
  );
}

function inWords(seen: Seen): string {
  const operator = Object.keys(seen.test).find((each) => each !== "field") ?? "";
  const value = seen.test[operator];
  return operator === "exists" ? `${seen.field} ${value ? "is known" : "is not known"}` : `${seen.field} ${SIGNS[operator] ?? operator} ${Array.isArray(value) ? value.join(", ") : textOf(value)}`;
}
