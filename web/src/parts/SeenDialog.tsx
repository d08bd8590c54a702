import { useEffect, useState } from "preact/hooks";
import type { Conversation, Entry, Profile } from "../client/protocol";
import { closeDialog } from "../state/identity";
import { CHANNEL_WORDS } from "../state/route";
import { fetchSeen, type Seen } from "../state/seen";
import { agent, minute } from "../state/store";
import { displayName, fullWhen, lineWords, plural, since, sortedTags } from "../view/format";
import { useAct } from "../view/useAct";
import { Avatar } from "./Avatar";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";
import { Problem } from "./Problem";

const NEWEST = 6;

/** The profile as it stood on the screen at the accept. Nothing here can be changed. */
export function SeenDialog({ conversation }: { conversation: Conversation }) {
  const [all, setAll] = useState<Seen[] | null>(null);
  const [offer, setOffer] = useState<string | null>(null);
  const act = useAct();
  const load = () => void act.run(async () => setAll(await fetchSeen(conversation)));
  useEffect(load, []);
  const mine = (each: Seen): boolean => each.agent.id === agent.value?.id;
  const shown = all?.find((each) => each.offer === offer) ?? all?.find(mine) ?? all?.[0];
  const title = shown ? `As ${mine(shown) ? "you" : shown.agent.name} saw it at accept` : "As it was seen at accept";
  return (
    <Dialog label={title} kind="seen">
      <div class="merge">
        <header class="merge-head">
          <div class="grow">
            <h2>{title}</h2>
            {shown && <p class="quiet">{fullWhen(shown.at)}. It may have changed since.</p>}
          </div>
          <button type="button" class="button quiet square small" aria-label="Close" autofocus onClick={closeDialog}><Icon name="close" /></button>
        </header>
        {/* The keyboard scrolls it. */}
        <div class="merge-body seen-body" tabIndex={0} role="region" aria-label="The profile at that time">
          {!all && !act.problem && <p class="flow-top"><span class="spinner" />Fetching what was kept</p>}
          {act.problem && <Problem text={act.problem}><button type="button" class="link block" onClick={load}>Try again</button></Problem>}
          {all && !shown && <p class="none" data-test="seen-none">Nothing was kept of this. A screen is kept when somebody accepts an offer; this conversation came another way, or what was kept has since been removed.</p>}
          {all && all.length > 1 && shown && (
            <label class="due-field">
              <span>Accepted by</span>
              <select class="field" value={shown.offer} data-test="seen-which" onChange={(event) => setOffer(event.currentTarget.value)}>
                {all.map((each) => <option key={each.offer} value={each.offer}>{mine(each) ? "you" : each.agent.name}, {since(each.at, minute.value)}</option>)}
              </select>
            </label>
          )}
          {shown && <Then key={shown.offer} profile={shown.profile} />}
        </div>
        <footer class="merge-foot">
          <span class="grow" />
          <button type="button" class="button" data-test="seen-close" onClick={closeDialog}>Close <kbd>Esc</kbd></button>
        </footer>
      </div>
    </Dialog>
  );
}

function Then({ profile }: { profile: Profile }) {
  const { customer, timeline, conversations } = profile;
  const open = conversations.filter((each) => each.status !== "closed").length;
  const facts: [string, string][] = customer ? [
    ["Company", customer.company ?? ""],
    ["Plan", customer.plan ?? ""],
    ["Tags", sortedTags(customer.tags).map((each) => each.word).join(", ")],
    ["Handles", customer.handles.map((each) => (each.label ? `${each.display} (${each.label})` : each.display)).join(", ")],
    ["Contacts", `${customer.contacts_30_days} in 30 days`],
    ["Conversations", `${plural(conversations.length, "conversation")}${open ? `, ${open} open` : ""}`],
    ["Tasks", customer.open_tasks ? `${customer.open_tasks} open` : "none open"],
    ["Details", profile.details.map((each) => each.body).join("; ")],
  ] : [["Conversations", plural(conversations.length, "conversation")]];
  return (
    <article data-test="seen-profile">
      <header class="who-top">
        <Avatar id={customer?.id ?? profile.feed} name={customer?.name ?? null} size="l" />
        <b class="grow seen-name" data-test="seen-name"><bdi>{customer ? displayName(customer) : "Not known yet"}</bdi></b>
      </header>
      <dl class="seen-facts">
        {facts.filter(([, text]) => text).map(([word, text]) => <div key={word}><dt>{word}</dt><dd><bdi>{text}</bdi></dd></div>)}
      </dl>
      <h3>Newest entries then</h3>
      {timeline.length === 0 && <p class="none">None yet.</p>}
      <ul>{timeline.slice(-NEWEST).toReversed().map((entry) => <Said key={entry.id} entry={entry} who={customer ? displayName(customer) : "Customer"} />)}</ul>
    </article>
  );
}

function Said({ entry, who }: { entry: Entry; who: string }) {
  const line = entry.kind === "status" || entry.kind === "consent";
  const author = entry.direction === "in" ? who : entry.author ? (entry.author.id === agent.value?.id ? "You" : entry.author.name) : "Automatic";
  const kind = entry.kind === "message" ? entry.channel && CHANNEL_WORDS[entry.channel] : entry.kind;
  return (
    <li class="seen-entry" data-test="seen-entry" title={fullWhen(entry.at)}>
      <span class="by">{line ? "" : <><bdi>{author}</bdi>{kind && `, ${kind}`} · </>}<time dateTime={entry.at}>{since(entry.at, minute.value)}</time></span>
      <span class="block seen-text" dir="auto">{line ? lineWords(entry, agent.value?.id) : entry.body || "Without text"}</span>
    </li>
  );
}
