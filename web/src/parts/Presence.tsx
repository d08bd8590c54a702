import type { PresenceStatus } from "../client/protocol";
import { toggleTheme } from "../state/prefs";
import { awayLabel, awayReasons } from "../state/definitions";
import { choosePresence } from "../state/desk";
import { signOut } from "../state/session";
import { agent, mine, reachable, secondsLeft } from "../state/store";
import { length, presenceWords } from "../view/format";
import { Avatar } from "./Avatar";
import { Capacity } from "./Capacity";
import { Icon } from "./Icon";
import { Menu } from "./Menu";

interface Choice { status: PresenceStatus; reason?: string; label: string }

function choices(): Choice[] {
  const away = awayReasons.value.map(({ id, label }): Choice => ({ status: "away", reason: id, label: `Away, ${label}` }));
  return [
    { status: "available", label: "Available" },
    ...(away.length > 0 ? away : [{ status: "away", label: "Away" } as const]),
    { status: "offline", label: "Offline" },
  ];
}

export function Presence() {
  const me = agent.value;
  const presence = mine.value?.presence;
  const connected = reachable.value;
  const tone = connected ? presence?.status ?? "offline" : "unknown";
  const said = connected ? (presence ? wrapping() + presenceWords(presence, awayLabel) : "") : "Screen not connected";
  const button = (
    <>
      <Avatar id={me?.id ?? ""} name={me?.name ?? null} />
      <span class="presence-text">
        <span class="ellipsis strong">{me?.name ?? "Signing in"}</span>
        <span class={`presence-state ${tone}`}><span class={`dot ${tone === "available" ? "" : "hollow"}`} /><span class="ellipsis">{said}</span></span>
      </span>
      <Icon name="down" />
    </>
  );
  return (
    <section class="presence" aria-label="Presence and capacity">
      <Menu label={`${me?.name ?? ""}, ${said}. Change presence`} button={button} buttonClass="presence-button" test="presence">
        {(close) => (
          <>
            {choices().map((choice) => {
              const chosen = presence?.status === choice.status && (choice.reason ?? null) === (presence.reason ?? null);
              return (
                <button
                  type="button" role="menuitemradio" aria-checked={chosen} disabled={!connected} key={choice.label}
                  data-test={`presence-${choice.reason ? `away-${choice.reason}` : choice.status}`}
                  onClick={() => { void choosePresence(choice.status, choice.reason); close(); }}
                >
                  <span class={`presence-state ${choice.status}`}><span class={`dot ${choice.status === "available" ? "" : "hollow"}`} /></span>
                  {choice.label}
                  {chosen && <span class="push"><Icon name="check" size={14} /></span>}
                </button>
              );
            })}
            <hr />
            <button type="button" role="menuitem" data-test="theme" onClick={() => { toggleTheme(); close(); }}>
              <Icon name="sun" size={14} />Light or dark
            </button>
            <button type="button" role="menuitem" data-test="sign-out" onClick={signOut}><Icon name="leave" size={14} />Sign out</button>
          </>
        )}
      </Menu>
      <Capacity />
    </section>
  );
}

/** The wrap-up that ends first; its slot is taken until then. It goes first: a time is never cut off. */
function wrapping(): string {
  const ends = [...(mine.value?.held.values() ?? [])].flatMap((held) => (held.state === "wrapping" && held.due_at ? [held.due_at] : []));
  const first = ends.sort((a, b) => Date.parse(a) - Date.parse(b))[0];
  return first ? `Wrap-up ${length(secondsLeft(first))} · ` : "";
}
