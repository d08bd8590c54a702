import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { Avatar } from "../../../src/parts/Avatar";
import { Icon, Mark } from "../../../src/parts/Icon";
import { toggleTheme } from "../../../src/state/prefs";
import type { IconName } from "../../../src/view/icons";
import { signOut } from "../session";
import { me, said, view, type View } from "../store";
import { Agents } from "./Agents";
import { Board } from "./Board";
import { Decisions } from "./Decisions";
import { HoursView } from "./Hours";
import { Queues } from "./Queues";
import { Rules } from "./Rules";
import { Skills } from "./Skills";
import { Versions } from "./Versions";

const SHOWN: Record<View, ComponentType> = {
  board: Board, rules: Rules, versions: Versions, decisions: Decisions, queues: Queues, hours: HoursView, agents: Agents, skills: Skills,
};
const RAIL: [string, [View, string, IconName][]][] = [
  ["", [["board", "Board", "home"]]],
  ["Routing", [["rules", "Rules", "split"], ["versions", "Versions", "retry"], ["decisions", "Decisions", "search"], ["queues", "Queues", "box"], ["hours", "Hours", "clock"]]],
  ["People", [["agents", "Agents", "headset"], ["skills", "Skills", "star"]]],
];

export function Shell() {
  const Shown = SHOWN[view.value];
  useEffect(() => {
    document.title = `${view.value[0]!.toUpperCase()}${view.value.slice(1)} · Screenpop console`;
  }, [view.value]);
  return (
    <div class="console">
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>Skip to the page</a>
      <nav class="side" aria-label="Console">
        <div class="side-brand"><Mark /><span>Screenpop</span></div>
        {RAIL.map(([title, items]) => (
          <div class="side-group" key={title}>
            {title && <h2>{title}</h2>}
            {items.map(([name, label, icon]) => (
              <a key={name} href={`#/${name}`} aria-current={view.value === name ? "page" : undefined} title={label} data-test={`nav-${name}`}>
                <Icon name={icon} /><span>{label}</span>
              </a>
            ))}
          </div>
        ))}
        <div class="side-foot">
          {me.value && <Avatar id={me.value.id} name={me.value.name} size="s" />}
          <span class="grow ellipsis small" title={`${me.value?.name}, ${me.value?.role}`}>{me.value?.name}<br /><span class="quiet">{me.value?.role}</span></span>
          <button type="button" class="button quiet square small" aria-label="Light or dark" title="Light or dark" data-test="theme" onClick={toggleTheme}><Icon name="sun" size={14} /></button>
          <button type="button" class="button quiet square small" aria-label="Sign out" title="Sign out" data-test="sign-out" onClick={signOut}><Icon name="leave" size={14} /></button>
        </div>
      </nav>
      <main class="page" id="main" tabIndex={-1}><Shown /></main>
      <Said />
    </div>
  );
}

const SAID_MS = 8_000;

/** What came of an action, at the foot of the page for a while; a refusal until it is dismissed. */
function Said() {
  const now = said.value;
  useEffect(() => {
    if (!now || now.bad) return;
    const timer = setTimeout(() => { said.value = null; }, SAID_MS);
    return () => clearTimeout(timer);
  }, [now]);
  return (
    <div class="said-place" role="status">
      {now && (
        <div class={`said ${now.bad ? "bad" : ""}`} data-test="said">
          <Icon name={now.bad ? "alert" : "check"} /><span>{now.text}</span>
          <button type="button" class="button quiet square small" aria-label="Dismiss" onClick={() => { said.value = null; }}><Icon name="close" size={14} /></button>
        </div>
      )}
    </div>
  );
}
