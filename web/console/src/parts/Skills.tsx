import { useState } from "preact/hooks";
import { useAct } from "../../../src/view/useAct";
import { ask, askAll } from "../client";
import { mayEdit } from "../store";
import { useLoad } from "../view/useLoad";
import { Labelled, Line } from "./Inputs";
import { Page } from "./Page";
import { Lines, Beside } from "./Record";

interface Skill { id: string; name: string }

/** What rules may ask of agents. */
export function Skills() {
  const list = useLoad(() => askAll<Skill>("skills"));
  const [chosen, setChosen] = useState<Skill | null>(null);
  const [id, setId] = useState("");
  const [name, setName] = useState("");
  const act = useAct();
  const off = !mayEdit();
  const choose = (skill: Skill | null) => {
    act.clear();
    setChosen(skill);
    setId(skill?.id ?? "");
    setName(skill?.name ?? "");
  };
  const done = () => {
    list.again();
    choose(null);
  };
  const keep = (event: Event) => {
    event.preventDefault();
    void act.run(() => ask(`skills/${encodeURIComponent(id)}`, { method: "PUT", json: { name } }), done);
  };
  return (
    <Page title="Skills" note="What rules may ask of agents" problem={list.problem}>
      <Beside list={<Lines what="Skill" chosen={chosen?.id ?? null} onNew={off ? undefined : () => choose(null)} onChoose={(key) => choose(list.value?.find((each) => each.id === key) ?? null)} items={(list.value ?? []).map((each) => ({ id: each.id, title: each.name, note: each.id }))} />}>
        {!off && (
          <form class="record" onSubmit={keep} data-test="record">
            <h2>{chosen ? chosen.name : "New skill"}</h2>
            {!chosen && <Labelled label="Id" hint="small letters, digits, hyphens; rules name it"><Line value={id} label="Id" test="field-id" onInput={setId} /></Labelled>}
            <Labelled label="Name"><Line value={name} label="Name" test="field-name" onInput={setName} /></Labelled>
            {act.problem && <p class="danger small" role="alert" data-test="record-problem">{act.problem}</p>}
            <div class="record-acts">
              <button type="submit" class="button primary" data-test="record-save" disabled={!id.trim() || !name.trim() || act.busy}>Save</button>
              {chosen && <button type="button" class="button danger" onClick={() => void act.run(() => ask(`skills/${chosen.id}`, { method: "DELETE" }), done)}>Remove</button>}
            </div>
          </form>
        )}
      </Beside>
    </Page>
  );
}
