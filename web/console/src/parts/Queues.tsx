import { useState } from "preact/hooks";
import { askAll } from "../client";
import { mayEdit } from "../store";
import { useLoad } from "../view/useLoad";
import { Labelled, Line } from "./Inputs";
import { Page } from "./Page";
import { Beside, Lines, Record } from "./Record";
import { SchemaForm, useSchemas } from "./SchemaForm";

interface Queue { id: string; name: string; [setting: string]: unknown }
const NEW = "";

export function Queues() {
  const list = useLoad(() => askAll<Queue>("queues"));
  const [chosen, setChosen] = useState<string | null>(null);
  const all = useSchemas();
  const off = !mayEdit();
  return (
    <Page title="Queues" note="How contacts are given to agents" problem={list.problem}>
      <Beside list={<Lines what="Queue" chosen={chosen} onChoose={setChosen} onNew={off ? undefined : () => setChosen(NEW)} items={(list.value ?? []).map((each) => ({ id: each.id, title: each.name, note: each.id }))} />}>
        {chosen !== null && all && (
          <Record<Queue>
            key={chosen} path={chosen === NEW ? null : `queues/${chosen}`} begin={{ id: "", name: "" }} target={(value) => `queues/${encodeURIComponent(value.id)}`}
            send={(value) => Object.fromEntries(Object.keys(all["QueueSettings"]?.properties ?? {}).filter((name) => name in value).map((name) => [name, value[name]]))}
            removable={off ? undefined : "Nobody serves it any more; what waits in it goes to its account's default queue."}
            saved={() => { list.again(); if (chosen === NEW) setChosen(null); }}
          >
            {(value, set) => (
              <>
                <h2>{chosen === NEW ? "New queue" : value.name}</h2>
                {chosen === NEW && <Labelled label="Id" hint="small letters, digits, hyphens; rules name it"><Line value={value.id} label="Id" test="field-id" onInput={(to) => set({ id: to })} /></Labelled>}
                <SchemaForm of="QueueSettings" all={all} value={value} off={off} onChange={set} />
              </>
            )}
          </Record>
        )}
      </Beside>
    </Page>
  );
}
