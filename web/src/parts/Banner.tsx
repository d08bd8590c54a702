import { link, now } from "../state/store";
import { signOut } from "../state/session";
import { reconnect } from "../state/wire";
import { length, plural, time } from "../view/format";
import { Icon } from "./Icon";

/** The truth about freshness, above whatever may be stale. */
export function Banner() {
  const view = link.value;
  if (view.state === "offline") {
    return (
      <div class="banner off" data-test="banner">
        <Icon name="offline" />
        <p><b>Offline since {time(view.since)}.</b> You see the screen as it was at {time(view.since)}. What you write is kept here.</p>
        <span class="push small quiet">{view.nextTryAt === null ? "Waiting for the network" : `Next try ${length(Math.max(0, view.nextTryAt - now.value) / 1000)}`}</span>
        <button type="button" class="button small" data-test="try-now" onClick={reconnect}>Try now</button>
      </div>
    );
  }
  if (view.state === "refused") {
    return (
      <div class="banner off" role="alert" data-test="banner">
        <Icon name="alert" />
        <p><b>{view.why}</b> This screen stays as it was at {time(view.since)} and does not come back by itself.</p>
        <button type="button" class="button small push" onClick={reconnect}>Connect again</button>
        <button type="button" class="button small" onClick={signOut}>Sign out</button>
      </div>
    );
  }
  if (view.state === "catching" && view.count > 0) {
    return (
      <div class="banner catch" data-test="banner">
        <span class="spinner" />
        <p><b>Catching up.</b> {plural(view.count, "event")}{view.since ? ` since ${time(view.since)}` : ""} {view.count === 1 ? "is" : "are"} being added in order.</p>
      </div>
    );
  }
  return null;
}
