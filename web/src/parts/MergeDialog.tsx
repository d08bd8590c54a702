import { useEffect, useState } from "preact/hooks";
import type { Id, Suggestion } from "../client/protocol";
import { closeDialog, fetchPreview, mergeCustomers, neverLink, type Choices, type MergePreview, type PreviewSide, type PreviewValue, type Side } from "../state/identity";
import { agent, minute, profile, reachable } from "../state/store";
import { midSentence, plural, shortDay } from "../view/format";
import { fieldWord, joinedRows, outcomeOf, previewWords, titled } from "../view/identity";
import { SEND_KEY } from "../view/platform";
import { useAct } from "../view/useAct";
import { Avatar } from "./Avatar";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";
import { Problem } from "./Problem";

/** The profile as it will be, before anything is merged: field by field, with the rule that chose. */
export function MergeDialog({ survivor, loser, suggestion }: { survivor: Id; loser: Id; suggestion: Suggestion | null }) {
  const [preview, setPreview] = useState<MergePreview | null>(null);
  const [choices, setChoices] = useState<Choices>({});
  const act = useAct();
  const load = () => void act.run(async () => setPreview(await fetchPreview(survivor, loser)));
  useEffect(load, []);
  const ready = preview !== null && preview.refused === null && !act.busy && reachable.value;
  const merge = () => { if (ready) void act.run(() => mergeCustomers(survivor, loser, choices), closeDialog); };
  const never = () => { if (!act.busy) void act.run(() => neverLink(survivor, loser), closeDialog); };
  const choose = (field: string, side: Side) => setChoices({ ...choices, [field]: side });
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) merge();
  };
  return (
    <Dialog label="Merge two profiles" kind="merge">
      <div class="merge" onKeyDown={onKeyDown}>
        <header class="merge-head">
          <div class="grow">
            <h2>{preview ? <>Merge <bdi>{sideName(preview.loser)}</bdi> into <bdi>{sideName(preview.survivor)}</bdi>?</> : "Merge two profiles"}</h2>
            {suggestion && <Evidence suggestion={suggestion} />}
          </div>
          <button type="button" class="button quiet square small" aria-label="Close" onClick={closeDialog}><Icon name="close" /></button>
        </header>
        <div class="merge-body">
          {!preview && !act.problem && <p class="flow-top"><span class="spinner" />Comparing the two</p>}
          {preview && <Compare preview={preview} choices={choices} onChoose={choose} />}
          {preview?.refused && <Problem text={preview.refused.message} />}
          {act.problem && <Problem text={act.problem}>{!preview && <button type="button" class="link block" onClick={load}>Try again</button>}</Problem>}
        </div>
        {preview && <p class="assure"><Icon name="split" /><span><b>You can unmerge at any time.</b> Both profiles come back exactly as they are now. What arrives in between is sorted by the handle it came in on. Both ids keep answering.</span></p>}
        <footer class="merge-foot">
          <button type="button" class="button quiet danger" disabled={!preview || act.busy || !reachable.value} data-test="never-link" onClick={never}>Never link these two</button>
          <span class="grow" />
          <button type="button" class="button" onClick={closeDialog}>Cancel <kbd>Esc</kbd></button>
          <button type="button" class="button primary" disabled={!ready} data-test="merge-confirm" onClick={merge}><Icon name="merge" />{act.busy && preview ? "Merging" : "Merge"} <kbd>{SEND_KEY}</kbd></button>
        </footer>
      </div>
    </Dialog>
  );
}

const sideName = (side: PreviewSide): string => side.name ?? "a profile without a name";

function Evidence({ suggestion }: { suggestion: Suggestion }) {
  return (
    <p class="evidence">
      <span>Likely the same person, score {suggestion.score.toFixed(2)}</span>
      {suggestion.matched.map((each) => (
        <span key={each.field} class={`tag ${each.weight > 0 ? "info" : ""}`} title={`${each.ours} · ${each.theirs}`}><Icon name={each.weight > 0 ? "check" : "close"} size={12} />{fieldWord(each.field)}, {each.how}</span>
      ))}
    </p>
  );
}

function Compare({ preview, choices, onChoose }: { preview: MergePreview; choices: Choices; onChoose: (field: string, side: Side) => void }) {
  const entries = preview.survivor.entries + preview.loser.entries;
  // One of the two is on the screen, and knows what every custom field is.
  const custom = profile.value?.customer?.fields;
  return (
    <table class="compare" data-test="compare-table">
      <thead>
        <tr>
          <td />
          <SideHead side={preview.survivor} />
          <SideHead side={preview.loser} />
          <th scope="col" class="outcome"><b>After the merge</b><span class="by">{plural(entries, "entry", "entries")}, one timeline</span></th>
        </tr>
      </thead>
      <tbody>
        {[...preview.fields, ...joinedRows(preview, agent.value?.id)].map((each) => {
          const { value, rule, side } = outcomeOf(each, choices[each.field]);
          const cell = (which: Side, held: PreviewValue) => (
            <td class={side === which ? "picked" : side ? "lost" : ""}>
              {each.choose && side !== which && held !== null
                ? <button type="button" class="value" title="Choose this value" data-test={`choose-${which}`} onClick={() => onChoose(each.field, which)}>{previewWords(each.field, held, custom)}</button>
                : previewWords(each.field, held, custom)}
            </td>
          );
          return (
            <tr key={each.field} data-test="compare-row" data-field={each.field}>
              <th scope="row">{titled(each.label)}</th>
              {cell("survivor", each.survivor)}
              {cell("loser", each.loser)}
              <td class="outcome" data-test="outcome">{previewWords(each.field, value, custom)}{rule && <span class="by">{rule}</span>}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function SideHead({ side }: { side: PreviewSide }) {
  return (
    <th scope="col">
      <span class="side">
        <Avatar id={side.customer} name={side.name} />
        <span class="grow"><b class="ellipsis block"><bdi>{sideName(side)}</bdi></b><span class="by">since {midSentence(shortDay(side.created_at, minute.value))}, {plural(side.entries, "entry", "entries")}</span></span>
      </span>
    </th>
  );
}
