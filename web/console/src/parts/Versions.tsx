import { useEffect, useState } from "preact/hooks";
import { Icon } from "../../../src/parts/Icon";
import { useAct } from "../../../src/view/useAct";
import { ask, askAll } from "../client";
import { afterRollBack, checked, conflict, dirty, draft, failing, findings, followText, live, load, loading, publish, sourceOf, text, whyNot } from "../rules/state";
import type { Difference, Version, WholeVersion } from "../rules/types";
import { mayEdit, said } from "../store";
import { dayTime } from "../view/when";
import { useLoad } from "../view/useLoad";
import { Confirm } from "./Confirm";
import { Conflict } from "./Conflict";
import { DiffText } from "./DiffText";

const DRAFT = "draft";

/** Every rule set there was, what each changed, publishing and rolling back. */
export function Versions() {
  useEffect(() => {
    void load();
    return followText();
  }, []);
  const versions = useLoad(() => askAll<Version>("rules/versions"), [live.value?.version]);
  const list = versions.value ?? [];
  const hasDraft = dirty.value || draft.value !== null;
  const [chosen, setChosen] = useState<number | typeof DRAFT | null>(null);
  const shown = chosen ?? (hasDraft ? DRAFT : (list[0]?.version ?? null));
  const errors = findings.value.filter((each) => each.severity === "error").length;
  return (
    <>
      <header class="page-head">
        <h1>Versions</h1><span class="small quiet grow" />
        {hasDraft && checked.value?.of === text.value && (
          <>
            <span class={`tag ${errors ? "danger" : "ok"}`}>{errors ? `${errors} lint ${errors === 1 ? "error" : "errors"}` : "No lint errors"}</span>
            {checked.value.cases.length > 0 && <span class={`tag ${failing.value.length ? "danger" : "ok"}`}>{checked.value.cases.length - failing.value.length} of {checked.value.cases.length} tests pass</span>}
          </>
        )}
        <a class="button small" href="#/rules"><Icon name="edit" size={14} />Rules</a>
      </header>
      {conflict.value && <Conflict />}
      {versions.problem && <div class="page-error inline-error" role="alert"><Icon name="alert" /><span>{versions.problem}</span></div>}
      <div class="versions">
        <ol class="version-list" aria-label="Versions">
          {hasDraft && (
            <li><button type="button" class="version" aria-current={shown === DRAFT ? "true" : undefined} data-test="version-draft" onClick={() => setChosen(DRAFT)}>
              <span class="strong">…</span><span><span class="tag accent">draft</span><br /><span class="quiet">{draft.value ? `${draft.value.by?.name ?? "Somebody"}, ${dayTime(draft.value.at)}` : "not saved"}</span></span>
            </button></li>
          )}
          {list.map((each, index) => (
            <li key={each.version}><button type="button" class="version" aria-current={shown === each.version ? "true" : undefined} data-test="version" data-version={each.version} onClick={() => setChosen(each.version)}>
              <span class="strong">{each.version}</span>
              <span>
                {each.restores !== null ? `As version ${each.restores}` : each.by?.name ?? "By command"} {index === 0 && <span class="tag ok">in force</span>}<br />
                <span class="quiet">{each.restores !== null && each.by ? `${each.by.name}, ` : ""}{dayTime(each.published_at)}</span>
              </span>
            </button></li>
          ))}
        </ol>
        {shown === DRAFT && live.value && <DraftPane version={live.value} />}
        {shown === DRAFT && !live.value && loading.value === "done" && <section class="pane"><div class="pane-head">Draft</div><p class="blank">Nothing is in force yet to compare with.</p></section>}
        {typeof shown === "number" && <VersionPane key={shown} number={shown} before={list.find((each) => each.version < shown)?.version ?? null} newest={list[0]?.version === shown} done={() => { versions.again(); setChosen(null); }} />}
        {shown === DRAFT && <PublishPane done={() => setChosen(null)} />}
      </div>
    </>
  );
}

function DraftPane({ version }: { version: WholeVersion }) {
  return (
    <section class="pane" aria-label="What the draft changes">
      <div class="pane-head">{version.version} in force → draft</div>
      <DiffText before={sourceOf(version)} after={text.value} />
    </section>
  );
}

function PublishPane({ done }: { done: () => void }) {
  const act = useAct();
  const reason = whyNot.value;
  return (
    <aside class="publish" aria-label="Publish">
      <h2>Publish the draft</h2>
      <p class="soft">It decides from the next contact on. Offers that ring now stay as they are.</p>
      {mayEdit() && <button type="button" class="button primary" data-test="publish" disabled={reason !== null || act.busy} onClick={() => void act.run(async () => { if (await publish()) done(); })}>Publish</button>}
      {reason && <p class="small" data-test="why-not">{reason}</p>}
      <p class="quiet small">What is in force now stays in the list; rolling back publishes it again.</p>
    </aside>
  );
}

function VersionPane({ number, before, newest, done }: { number: number; before: number | null; newest: boolean; done: () => void }) {
  const [asking, setAsking] = useState(false);
  const act = useAct();
  const found = useLoad(async () => ({
    this: await ask<WholeVersion>(`rules/versions/${number}`),
    before: before === null ? null : await ask<WholeVersion>(`rules/versions/${before}`),
    changes: before === null ? [] : (await ask<{ items: Difference[] }>(`rules/diff?before=${before}&after=${number}`)).items,
  }));
  const roll = async () => {
    setAsking(false);
    await act.run(async () => {
      const made = await ask<Version>(`rules/versions/${number}/roll-back`, { method: "POST" });
      await afterRollBack();
      said.value = { text: `Version ${number} is in force again, as version ${made.version}.`, bad: false };
      done();
    });
  };
  const problem = found.problem ?? act.problem;
  return (
    <section class="pane wide" aria-label={`Version ${number}`}>
      <div class="pane-head">
        {before === null ? `Version ${number}` : `${before} → ${number}`}<span class="plain">{inWords(found.value?.changes ?? [])}</span><span class="grow" />
        {!newest && mayEdit() && <button type="button" class="button small" data-test="roll-back" disabled={act.busy} onClick={() => setAsking(true)}>Roll back to {number}</button>}
      </div>
      {problem && <div class="inline-error small" role="alert"><Icon name="alert" size={14} /><span>{problem}</span></div>}
      {found.value && <DiffText before={found.value.before ? sourceOf(found.value.before) : ""} after={sourceOf(found.value.this)} />}
      {asking && (
        <Confirm title={`Roll back to version ${number}?`} yes="Roll back" onNo={() => setAsking(false)} onYes={() => void roll()}>
          <p>Its rules decide from the next contact on, as a new version. The draft stays as it is. Its tests are not run again.</p>
        </Confirm>
      )}
    </section>
  );
}

function inWords(changes: readonly Difference[]): string {
  const rules = new Set(changes.filter((each) => each.what === "rule").map((each) => each.name)).size;
  const cases = new Set(changes.filter((each) => each.what === "case").map((each) => each.name)).size;
  return [rules && `${rules} ${rules === 1 ? "rule" : "rules"}`, cases && `${cases} ${cases === 1 ? "test" : "tests"}`].filter(Boolean).join(", ") || (changes.length ? "" : "no rule changed");
}
