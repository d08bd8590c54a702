import { useState } from "preact/hooks";
import { useAct } from "../../../src/view/useAct";
import { ask, askAll } from "../client";
import { mayEdit } from "../store";
import { useLoad } from "../view/useLoad";
import { dayTime } from "../view/when";
import { Choice, Labelled, Levels, Line } from "./Inputs";
import { Page } from "./Page";
import { Beside, Lines, Record } from "./Record";
import { SchemaForm, useSchemas } from "./SchemaForm";

interface Listed { id: string; name: string; role: string; active: boolean; queues: string[] }
interface Served { queue: string; most: number | null }
interface Agent { id: string; name: string; role: string; active: boolean; capacity: Record<string, unknown> | null; queues: Served[]; skills: Record<string, number> }
interface Token { id: string; label: string; created_at: string; expires_at: string | null }

const NEW = "";
const BEGIN: Agent = { id: "", name: "", role: "agent", active: true, capacity: {}, queues: [], skills: {} };

export function Agents() {
  const list = useLoad(() => askAll<Listed>("agents"));
  const named = useLoad(async () => ({ queues: await askAll<{ id: string; name: string }>("queues"), skills: await askAll<{ id: string }>("skills") }));
  const [chosen, setChosen] = useState<string | null>(null);
  const all = useSchemas();
  const off = !mayEdit();
  const items = (list.value ?? []).map((each) => ({ id: each.id, title: each.name, note: `${each.role}${each.active ? "" : ", works here no more"} · ${each.queues.join(", ") || "no queue"}` }));
  return (
    <Page title="Agents" note="Who works here, what they serve and can do" problem={list.problem ?? named.problem}>
      <Beside list={<Lines what="Agent" chosen={chosen} onChoose={setChosen} onNew={off ? undefined : () => setChosen(NEW)} items={items} />}>
        {chosen !== null && all && named.value && (
          <>
            <Record<Agent>
              key={chosen} path={chosen === NEW ? null : `agents/${chosen}`} begin={BEGIN} method={chosen === NEW ? "POST" : "PATCH"}
              target={(value) => (chosen === NEW ? "agents" : `agents/${value.id}`)}
              send={({ name, role, capacity, queues, skills, active }) => ({ name, role, queues, skills, ...(capacity && { capacity }), ...(chosen !== NEW && { active }) })}
              removable={off ? undefined : "They work here no more: no token, no queue, no offer. What they hold goes back."}
              saved={() => { list.again(); if (chosen === NEW) setChosen(null); }}
            >
              {(value, set) => (
                <>
                  <h2>{chosen === NEW ? "New agent" : value.name}</h2>
                  <div class="two">
                    <Labelled label="Name"><Line value={value.name} label="Name" test="field-name" disabled={off} onInput={(to) => set({ name: to })} /></Labelled>
                    <Labelled label="Role"><Choice value={value.role} label="Role" options={["agent", "supervisor", "admin", "service"]} disabled={off} onChange={(to) => set({ role: to })} /></Labelled>
                  </div>
                  {chosen !== NEW && <label class="check"><input type="checkbox" checked={value.active} disabled={off} onChange={(event) => set({ active: event.currentTarget.checked })} />Works here</label>}
                  {value.capacity && <><h3>At once</h3><SchemaForm of="Slotted" all={all} value={value.capacity} off={off} onChange={(change) => set({ capacity: { ...value.capacity, ...change } })} /></>}
                  <h3>Queues</h3>
                  <div class="checks">
                    {named.value!.queues.map((queue) => (
                      <label class="check" key={queue.id}>
                        <input
                          type="checkbox" checked={value.queues.some((each) => each.queue === queue.id)} disabled={off}
                          onChange={(event) => set({ queues: event.currentTarget.checked ? [...value.queues, { queue: queue.id, most: null }] : value.queues.filter((each) => each.queue !== queue.id) })}
                        />{queue.name}
                      </label>
                    ))}
                  </div>
                  <h3>Skills</h3>
                  <Levels levels={value.skills} label="Skills" known={named.value!.skills.map((each) => each.id)} disabled={off} test="skills" onChange={(skills) => set({ skills })} />
                </>
              )}
            </Record>
            {chosen !== NEW && !off && <Tokens key={`tokens-${chosen}`} agent={chosen} />}
          </>
        )}
      </Beside>
    </Page>
  );
}

/** By what an agent signs in. A token is shown once. */
function Tokens({ agent }: { agent: string }) {
  const list = useLoad(async () => (await ask<{ items: Token[] }>(`agents/${agent}/tokens`)).items, [agent]);
  const [label, setLabel] = useState("");
  const [issued, setIssued] = useState<string | null>(null);
  const act = useAct();
  const issue = (event: Event) => {
    event.preventDefault();
    void act.run(async () => setIssued((await ask<{ token: string }>(`agents/${agent}/tokens`, { method: "POST", json: { label } })).token), () => {
      setLabel("");
      list.again();
    });
  };
  return (
    <section class="record" aria-label="Tokens">
      <h3>Tokens</h3>
      {(list.value ?? []).map((each) => (
        <div class="opened-line" key={each.id}>
          <span>{each.label || "without a label"}</span><span class="quiet small">since {dayTime(each.created_at)}{each.expires_at ? `, until ${dayTime(each.expires_at)}` : ""}</span><span class="grow" />
          <button type="button" class="button small danger" onClick={() => void act.run(() => ask(`agents/${agent}/tokens/${each.id}`, { method: "DELETE" }), list.again)}>Withdraw</button>
        </div>
      ))}
      {issued && <p class="issued"><span class="quiet small">Shown this once; give it to the agent: </span><code class="mono" data-test="issued">{issued}</code></p>}
      {act.problem && <p class="danger small" role="alert">{act.problem}</p>}
      <form class="find-form" onSubmit={issue}>
        <Line value={label} label="Where the token is used" placeholder="Where it is used" onInput={setLabel} />
        <button type="submit" class="button small" disabled={!label.trim() || act.busy}>Issue a token</button>
      </form>
    </section>
  );
}
