import { useState } from "preact/hooks";
import type { Candidate } from "../client/protocol";
import { identify } from "../state/identity";
import { replyConversation, type OpenProfile } from "../state/profile";
import { minute, reachable } from "../state/store";
import { handleOf, midSentence, plural, shortDay, whyUnknown } from "../view/format";
import { Avatar } from "./Avatar";
import { CustomerSearch } from "./CustomerSearch";
import { Icon } from "./Icon";

const KEYS = 9;

/** Several people write from this handle: who is it this time? */
export function Identify({ open }: { open: OpenProfile }) {
  const [searching, setSearching] = useState(false);
  const [name, setName] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const conversation = replyConversation(open.conversations);
  if (!conversation) return null;
  const say = async (who: { customer: string } | { name: string }) => {
    if (busy || !reachable.value) return;
    setBusy(true);
    await identify(conversation.id, who);
    setBusy(false);
  };
  const disabled = busy || !reachable.value;
  return (
    <section class="identify" aria-labelledby="who-is-this" data-test="identify">
      <header>
        <h2 id="who-is-this">Who is this?</h2>
        <p class="quiet">{belongs(open)} Choose one and this conversation moves to that profile; later messages follow it.</p>
      </header>
      <ul>
        {open.candidates.map((each, at) => <One key={each.customer} candidate={each} place={at} disabled={disabled} onChoose={() => void say({ customer: each.customer })} />)}
      </ul>
      <div class="candidate">
        <span class="avatar tint-none"><Icon name="search" /></span>
        <span class="grow">Someone else</span>
        <button type="button" class="button quiet small" aria-expanded={searching} data-test="someone-else" onClick={() => setSearching(!searching)}>Search</button>
      </div>
      {searching && <div class="identify-search" onKeyDown={(event) => { if (event.key === "Escape") setSearching(false); }}><CustomerSearch id="identified" placeholder="Name, number or address" autofocus onChoose={(item) => void say({ customer: item.id })} /></div>}
      <form class="candidate" onSubmit={(event) => { event.preventDefault(); if (name?.trim()) void say({ name: name.trim() }); }}>
        <span class="avatar tint-none"><Icon name="plus" /></span>
        {name === null ? <span class="grow">Somebody new</span> : (
          <input class="field grow" aria-label="Name of the new customer" placeholder="Name" dir="auto" autofocus value={name} maxLength={200} data-test="new-name" onInput={(event) => setName(event.currentTarget.value)} />
        )}
        {name === null
          ? <button type="button" class="button quiet small" disabled={disabled} data-test="somebody-new" onClick={() => setName("")}>Name them</button>
          : <button type="submit" class="button small" disabled={disabled || !name.trim()} data-test="new-save">This is them</button>}
      </form>
    </section>
  );
}

function One({ candidate, place, disabled, onChoose }: { candidate: Candidate; place: number; disabled: boolean; onChoose: () => void }) {
  const last = candidate.last_at ? `last wrote from it ${midSentence(shortDay(candidate.last_at, minute.value))}` : null;
  return (
    <li class="candidate" data-test="candidate" data-customer={candidate.customer}>
      <Avatar id={candidate.customer} name={candidate.name} />
      <span class="grow">
        <bdi class="ellipsis block strong">{candidate.name ?? "Without a name"}</bdi>
        <span class="ellipsis block small quiet">{[candidate.company, candidate.why, last].filter(Boolean).join(" · ")}</span>
      </span>
      <button type="button" class="button small" disabled={disabled} data-test="choose-candidate" onClick={onChoose}>This one{place < KEYS && <kbd>{place + 1}</kbd>}</button>
    </li>
  );
}

function belongs(open: OpenProfile): string {
  const handle = handleOf(open) ?? "This handle";
  if (open.candidates.length) return `${handle} has been used by ${plural(open.candidates.length, "customer")}.`;
  return { shared: `${handle} is shared, and nobody known has written from it.`, unproven: `The mail only claims to be from ${handle}.`, withheld: "They withheld their number." }[whyUnknown(open)];
}
