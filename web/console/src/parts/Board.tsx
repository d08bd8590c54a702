import { Fragment } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Avatar } from "../../../src/parts/Avatar";
import { ask, askAll, sentence } from "../client";
import { said } from "../store";
import { lasting, toTheSecond } from "../view/when";
import { useLoad } from "../view/useLoad";
import { Choice } from "./Inputs";
import { Page } from "./Page";

interface QueueLine {
  id: string; name: string; waiting: number; longest_since: string | null; offered: number; held: number; available: number;
  today: { answered: number; abandoned: number; average_wait_seconds: number | null; service_level: number | null; breached: number };
}
interface BoardContact { contact: string; queue: string | null; work_class: string; state: "offered" | "assigned" | "wrapping" | "parked"; since: string }
interface AgentLine {
  id: string; name: string; role: string; presence: { status: string; reason: string | null; connected: boolean; since: string };
  capacity: Record<string, { used: number; slots: number }>; contacts: BoardContact[];
}
interface WaitingContact { id: string; channel: string; priority: number; arrived_at: string }
interface BoardNow { at: string; queues: QueueLine[]; agents: AgentLine[] }

/** Of those who wait in one queue. */
const SHOWN = 20;
const EVERY_MS = 2_000;
/** After this long without an answer, as after a refusal, the page says that it is old. */
const STALE_MS = 7_000;
const CLASSES: [string, string][] = [["voice", "voice"], ["messaging", "messaging"], ["mail", "mail"], ["voicemail", "voicemail"]];

/** Asks rather than listens: a screen's websocket would count as this supervisor's desk, and offers would ring unseen. */
export function Board() {
  const [board, setBoard] = useState<{ board: BoardNow; got: number } | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [now, setNow] = useState(Date.now());
  const [open, setOpen] = useState<string | null>(null);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  useEffect(() => {
    let going = true, timer: ReturnType<typeof setTimeout>;
    const look = async () => {
      try {
        const found = await ask<BoardNow>(`board?${new URLSearchParams({ time_zone: zone })}`);
        if (!going) return;
        setBoard({ board: found, got: Date.now() });
        setProblem(null);
      } catch (error) {
        if (going) setProblem(sentence(error));
      }
      if (going) timer = setTimeout(() => void look(), EVERY_MS);
    };
    void look();
    const ticking = setInterval(() => setNow(Date.now()), 1000);
    return () => {
      going = false;
      clearTimeout(timer);
      clearInterval(ticking);
    };
  }, []);
  if (!board) return <Page title="Board" problem={problem}>{!problem && <p class="quiet">Loading</p>}</Page>;
  const stale = problem !== null || now - board.got > STALE_MS;
  // Ages by the server's clock, which goes on with ours from the moment it was read.
  const age = (since: string) => lasting(Date.parse(board.board.at) - Date.parse(since) + (stale ? 0 : now - board.got));
  const { queues, agents } = board.board;
  const sum = (of: (line: QueueLine) => number) => queues.reduce((all, each) => all + of(each), 0);
  const answered = sum((each) => each.today.answered), abandoned = sum((each) => each.today.abandoned);
  const present = agents.filter((each) => each.presence.connected && each.presence.status === "available").length;
  return (
    <Page
      title="Board"
      note={<span class={`live ${stale ? "stale" : ""}`} role="status" data-test="freshness" data-stale={stale}>
        <span class={`dot ${stale ? "hollow" : ""}`} />{stale ? `Not live. As it was at ${toTheSecond(board.got)}` : "Live"}
      </span>}
      problem={stale ? (problem ?? "The server does not answer.") : null}
    >
      <div class={`board ${stale ? "is-stale" : ""}`}>
        <div class="figures">
          <Figure label="Waiting" value={sum((each) => each.waiting)} note={`${sum((each) => each.offered)} ringing`} />
          <Figure label="In work" value={sum((each) => each.held)} note={`${present} ${present === 1 ? "agent" : "agents"} available`} />
          <Figure label="Answered today" value={answered} note={`${abandoned} abandoned`} />
          <Figure label="Promises broken today" value={sum((each) => each.today.breached)} note="conversations" />
        </div>
        <div class="board-columns">
          <section aria-label="Queues">
            <div class="section-head"><h2>Queues</h2><span class="quiet small">in time: within 20 s, today</span></div>
            <table class="table" data-test="board-queues">
              <thead><tr><th>Queue</th><th class="n">Waiting</th><th class="n">Longest</th><th class="n">Ringing</th><th class="n">Free agents</th><th class="n">In time</th></tr></thead>
              <tbody>{queues.map((each) => (
                <Fragment key={each.id}>
                <tr data-queue={each.id}>
                  <td><button type="button" class="row-open strong" aria-expanded={open === each.id} onClick={() => setOpen(open === each.id ? null : each.id)}>{each.name}</button></td>
                  <td class={`n ${each.waiting ? "" : "quiet"}`} data-test="waiting">{each.waiting}</td>
                  <td class="n">{each.longest_since ? age(each.longest_since) : <span class="quiet">–</span>}</td>
                  <td class={`n ${each.offered ? "" : "quiet"}`}>{each.offered}</td>
                  <td class={`n ${each.available === 0 && each.waiting ? "danger strong" : ""}`}>{each.available}</td>
                  <td class="n">{each.today.service_level === null ? <span class="quiet">–</span> : `${Math.round(each.today.service_level * 100)}%`}</td>
                </tr>
                {open === each.id && <tr class="opened"><td colSpan={6}><Waiting queue={each.id} count={each.waiting} agents={agents} age={age} /></td></tr>}
                </Fragment>
              ))}</tbody>
            </table>
          </section>
          <section aria-label="Agents">
            <div class="section-head"><h2>Agents</h2><span class="quiet small">{present} available of {agents.length}</span></div>
            <table class="table" data-test="board-agents">
              <thead><tr><th>Agent</th><th>State</th><th>Load</th><th class="n">Since</th></tr></thead>
              <tbody>{agents.map((each) => <AgentRow key={each.id} agent={each} agents={agents} age={age} open={open === each.id} onOpen={() => setOpen(open === each.id ? null : each.id)} />)}</tbody>
            </table>
          </section>
        </div>
      </div>
    </Page>
  );
}

function Figure({ label, value, note }: { label: string; value: number; note: string }) {
  return <div class="figure"><div class="small soft">{label}</div><div class="figure-number">{value.toLocaleString("en-GB")}</div><div class="small quiet">{note}</div></div>;
}

/** Who waits in a queue, longest first, to be given to somebody at once. */
function Waiting({ queue, count, agents, age }: { queue: string; count: number; agents: AgentLine[]; age: (since: string) => string }) {
  const found = useLoad(() => askAll<WaitingContact>(`contacts?${new URLSearchParams({ state: "queued", queue })}`), [queue, count]);
  const list = [...(found.value ?? [])].sort((one, other) => Date.parse(one.arrived_at) - Date.parse(other.arrived_at));
  if (found.problem) return <span class="danger small">{found.problem}</span>;
  if (!list.length) return <span class="quiet small">Nobody waits.</span>;
  return (
    <>
      {list.slice(0, SHOWN).map((each) => (
        <div class="opened-line" key={each.id} data-test="waiting-contact">
          <span>{each.channel}, priority {each.priority}, {age(each.arrived_at)}</span><span class="grow" />
          <a href={`#/decisions/${each.id}`} class="small">Why</a><Give contact={each.id} agents={agents} />
        </div>
      ))}
      {list.length > SHOWN && <span class="quiet small">and {list.length - SHOWN} more</span>}
    </>
  );
}

/** Give a contact to somebody who is available. */
function Give({ contact, agents, not }: { contact: string; agents: AgentLine[]; not?: string }) {
  const there = agents.filter((each) => each.id !== not && each.presence.connected && each.presence.status === "available");
  return (
    <span class="give">
      <Choice value="" empty={there.length ? "Give to" : "Nobody is free"} label="Give the contact to" disabled={!there.length} options={there.map((each): [string, string] => [each.id, each.name])} test="give" onChange={(agent) => agent && void act(`contacts/${contact}/reassign`, "POST", { agent })} />
    </span>
  );
}

function AgentRow({ agent, agents, age, open, onOpen }: { agent: AgentLine; agents: AgentLine[]; age: (since: string) => string; open: boolean; onOpen: () => void }) {
  const [tone, words] = stateOf(agent);
  const busy = agent.contacts.length > 0;
  return (
    <>
      <tr data-agent={agent.id}>
        <td><button type="button" class="row-open" aria-expanded={open} onClick={onOpen}><Avatar id={agent.id} name={agent.name} size="s" /><span class="ellipsis">{agent.name}</span></button></td>
        <td><span class={`state ${tone}`}><span class={`dot ${tone === "ok" ? "" : "hollow"}`} />{words}</span></td>
        <td><span class="loads">{CLASSES.map(([name, label]) => {
          const slots = agent.capacity[name];
          if (!slots || slots.slots === 0) return null;
          const text = `${label}: ${slots.used} of ${slots.slots}`;
          return <span class="load" key={name} title={text}><span class="sr">{text}</span>{Array.from({ length: Math.min(slots.slots, 8) }, (_, index) => <b key={index} class={index < slots.used ? "on" : ""} aria-hidden="true" />)}</span>;
        })}</span></td>
        <td class="n quiet">{age(agent.presence.since)}</td>
      </tr>
      {open && (
        <tr class="opened"><td colSpan={4}>
          {!busy && <span class="quiet small">Has no contact.</span>}
          {agent.contacts.map((each) => (
            <div class="opened-line" key={`${each.contact}${each.state}`}>
              <span>{each.work_class}, {each.queue ?? "no queue"}: {each.state === "offered" ? "rings" : each.state}, {age(each.since)}</span><span class="grow" />
              <a href={`#/decisions/${each.contact}`} class="small">Why</a>
              {(each.state === "offered" || each.state === "assigned") && <button type="button" class="button small" onClick={() => void act(`contacts/${each.contact}/take-back`, "POST")}>Take back</button>}
              {(each.state === "offered" || each.state === "assigned") && <Give contact={each.contact} agents={agents} not={agent.id} />}
            </div>
          ))}
          {agent.presence.status !== "offline" && <button type="button" class="button small" onClick={() => void act(`agents/${agent.id}/presence`, "PUT", { status: "offline" })}>Set offline</button>}
        </td></tr>
      )}
    </>
  );
}

async function act(path: string, method: "POST" | "PUT", json?: unknown): Promise<void> {
  try {
    await ask(path, { method, ...(json !== undefined && { json }) });
  } catch (error) {
    said.value = { text: sentence(error), bad: true };
  }
}

function stateOf(agent: AgentLine): [string, string] {
  const { status, reason, connected } = agent.presence;
  if (status === "offline") return ["quiet", "Offline"];
  if (!connected) return ["danger", "No screen"];
  if (agent.contacts.some((each) => each.state === "offered")) return ["info", "Ringing"];
  if (agent.contacts.some((each) => each.state === "assigned" && each.work_class === "voice")) return ["ok", "On a call"];
  if (agent.contacts.some((each) => each.state === "wrapping")) return ["warn", "Wrap-up"];
  return status === "available" ? ["ok", "Available"] : ["soft", `${status.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase())}${reason ? `, ${reason.replaceAll("_", " ")}` : ""}`];
}
