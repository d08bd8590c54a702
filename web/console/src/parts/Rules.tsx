import { useEffect, useState } from "preact/hooks";
import { Icon } from "../../../src/parts/Icon";
import { conflict, dirty, draft, drop, failing, findings, followText, live, load, loading, problem, publish, busy, save, whyNot, checked } from "../rules/state";
import { mayEdit } from "../store";
import { clockTime } from "../view/when";
import { Conflict } from "./Conflict";
import { Confirm } from "./Confirm";
import { EditorPane } from "./EditorPane";
import { RuleForm } from "./RuleForm";
import { RuleList } from "./RuleList";
import { Tray } from "./Tray";

export function Rules() {
  useEffect(() => {
    void load();
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "s") {
        event.preventDefault();
        void save();
      }
    };
    const onLeave = (event: BeforeUnloadEvent) => { if (dirty.value) event.preventDefault(); };
    addEventListener("keydown", onKey);
    addEventListener("beforeunload", onLeave);
    const stop = followText();
    return () => {
      stop();
      removeEventListener("keydown", onKey);
      removeEventListener("beforeunload", onLeave);
    };
  }, []);
  return (
    <>
      <Head />
      {conflict.value && <Conflict />}
      {problem.value && <div class="page-error inline-error" role="alert"><Icon name="alert" /><span>{problem.value} <button type="button" class="link" onClick={() => void load()}>Try again</button></span></div>}
      {loading.value === "done" && (
        <div class="rules">
          <RuleList />
          <div class="rules-work">
            <div class="rules-edit"><RuleForm /><EditorPane /></div>
            <Tray />
          </div>
        </div>
      )}
    </>
  );
}

function Head() {
  const [asking, setAsking] = useState<"publish" | "drop" | null>(null);
  const errors = findings.value.filter((each) => each.severity === "error").length;
  const warnings = findings.value.length - errors;
  const cases = checked.value?.cases.length ?? 0;
  const reason = whyNot.value;
  return (
    <header class="page-head">
      <h1>Rules</h1>
      <span class="small quiet grow ellipsis" data-test="draft-state">{stateOf()}</span>
      {errors > 0 && <span class="tag danger" data-test="errors"><Icon name="alert" size={12} />{errors} {errors === 1 ? "error" : "errors"}</span>}
      {warnings > 0 && <span class="tag warn">{warnings} {warnings === 1 ? "warning" : "warnings"}</span>}
      {cases > 0 && <span class={`tag ${failing.value.length ? "danger" : "ok"}`} data-test="tests">{cases - failing.value.length} of {cases} tests pass</span>}
      <a class="button small" href="#/versions"><Icon name="retry" size={14} />Versions</a>
      {mayEdit() && (
        <>
          {(draft.value || dirty.value) && <button type="button" class="button small" data-test="drop" disabled={busy.value !== null} onClick={() => setAsking("drop")}>Discard</button>}
          <button type="button" class="button small" data-test="save" disabled={!dirty.value || busy.value !== null || conflict.value !== null} title="Ctrl S" onClick={() => void save()}>{busy.value === "save" ? "Saving" : "Save draft"}</button>
          <span title={reason ?? undefined}>
            <button type="button" class="button primary small" data-test="publish" disabled={reason !== null} aria-describedby={reason ? "why-not" : undefined} onClick={() => setAsking("publish")}>Publish</button>
          </span>
          {reason && <span class="sr" id="why-not" data-test="why-not">{reason}</span>}
        </>
      )}
      {asking === "publish" && (
        <Confirm title="Publish these rules?" yes="Publish" onNo={() => setAsking(null)} onYes={() => { setAsking(null); void publish(); }}>
          <p>They decide from the next contact on. {live.value ? `Version ${live.value.version} stays in the list of versions; rolling back brings it back.` : "They are the first."}</p>
        </Confirm>
      )}
      {asking === "drop" && (
        <Confirm title="Discard the draft?" yes="Discard" onNo={() => setAsking(null)} onYes={() => { setAsking(null); void drop(); }}>
          <p>What was changed since version {live.value?.version ?? "none"} is forgotten, for everybody.</p>
        </Confirm>
      )}
    </header>
  );
}

function stateOf(): string {
  const version = live.value ? `version ${live.value.version} is in force` : "no version is in force";
  if (dirty.value) return `Not saved · ${version}`;
  if (draft.value) return `Draft ${draft.value.revision}, saved ${clockTime(draft.value.at)}${draft.value.by ? ` by ${draft.value.by.name}` : ""} · ${version}`;
  return live.value ? `As in force: version ${live.value.version}` : "Nothing yet";
}
