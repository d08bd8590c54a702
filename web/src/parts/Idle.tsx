import { useEffect, useState } from "preact/hooks";
import type { CustomerSummary } from "../client/protocol";
import { fetchRecent } from "../state/recent";
import { awayLabel } from "../state/definitions";
import { choosePresence, open } from "../state/desk";
import { ringing } from "../state/agent";
import { connectedAt, dialog, mine, minute, reachable, recent } from "../state/store";
import { plural, presenceWords, shortWhen, time } from "../view/format";
import { Avatar } from "./Avatar";
import { Icon } from "./Icon";
import { Offers } from "./Offers";

const SHOWN = 6;
const COUNTS = ["No contacts", "One contact", "Two contacts", "Three contacts"];

export function Idle() {
  const state = mine.value;
  const offers = state ? ringing(state.offers).length : 0;
  return (
    <div class="home" data-region="main" tabIndex={-1} data-test="idle">
      <div class="home-inner">
        <h1 tabIndex={-1}>{offers ? `${COUNTS[offers] ?? plural(offers, "contact")} for you` : heading()}</h1>
        <p class="lede">{offers ? "The profile opens the moment you accept." : lede()}</p>
        {offers ? <Offers docked={false} /> : <Quiet />}
        <div class="home-columns">
          <Today />
          <Recent />
        </div>
      </div>
    </div>
  );
}

function heading(): string {
  if (!reachable.value) return "Not connected";
  const status = mine.value?.presence.status;
  return status === "available" ? "You are available" : status === "away" ? "You are away" : "You are offline";
}

function lede(): string {
  const presence = mine.value?.presence;
  if (!presence) return "The desk is connecting.";
  if (!reachable.value) return "Offers cannot reach this screen until it is connected again.";
  const since = connectedAt.value ? `Your screen has been connected since ${time(connectedAt.value)}.` : "";
  if (presence.status === "available") return since;
  return `${presenceWords(presence, awayLabel)} since ${time(presence.since)}. ${since}`;
}

function Quiet() {
  const available = reachable.value && mine.value?.presence.status === "available";
  return (
    <div class={`quiet-slot ${available ? "" : "still"}`}>
      <span class="quiet-ring"><Icon name="headset" size={20} /></span>
      <div>
        <p class="strong">Nothing is ringing</p>
        <p>{slotWords(available)}</p>
      </div>
      {reachable.value && !available && (
        <button type="button" class="button push" data-test="go-available" onClick={() => void choosePresence("available")}>Take contacts</button>
      )}
    </div>
  );
}

function slotWords(available: boolean): string {
  if (available) return "Offers appear here and over any open profile.";
  return reachable.value ? "No offers come to you now." : "Your presence is kept; offers go to colleagues meanwhile.";
}

function Today() {
  const held = [...(mine.value?.held.values() ?? [])];
  const waiting = held.filter((each) => each.unread > 0);
  const counts = [
    [waiting.length, "Waiting for your answer"],
    [held.filter((each) => each.state === "assigned").length, "Open"],
    [held.filter((each) => each.state === "wrapping").length, "In wrap-up"],
    [held.filter((each) => each.state === "parked").length, "Parked"],
  ] as const;
  return (
    <section>
      <h2 class="home-heading">Your contacts <span>now</span></h2>
      <dl class="counts">
        {counts.map(([count, words]) => <div key={words}><dd>{count}</dd><dt>{words}</dt></div>)}
      </dl>
    </section>
  );
}

function Recent() {
  const [known, setKnown] = useState<CustomerSummary[]>([]);
  const connected = reachable.value;
  useEffect(() => { if (connected) void fetchRecent().then(setKnown); }, [connected]);
  const here = recent.value;
  const others = known.filter((each) => !here.some((own) => own.customer === each.id)).map((each) => ({
    customer: each.id, name: each.name ?? each.handles[0] ?? null, detail: [each.company, each.name && each.handles[0]].filter(Boolean).join(" · "), at: null,
  }));
  const viewed = [...here, ...others].slice(0, SHOWN);
  return (
    <section>
      <h2 class="home-heading">Recently viewed</h2>
      {viewed.length === 0 && (
        <p class="home-empty">
          Profiles you open are kept here. <button type="button" class="link" onClick={() => { dialog.value = { kind: "search" }; }}>Search customers</button> to open one.
        </p>
      )}
      <ul class="viewed" data-test="recently-viewed">
        {viewed.map((each) => (
          <li key={each.customer}>
            <button type="button" onClick={() => void open(each.customer, each.name)}>
              <Avatar id={each.customer} name={each.name} />
              <span class="grow"><bdi class="ellipsis block">{each.name ?? "Unknown customer"}</bdi><span class="ellipsis block small quiet">{each.detail}</span></span>
              {each.at !== null && <time class="small quiet">{shortWhen(each.at, minute.value)}</time>}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
