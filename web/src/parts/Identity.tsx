import { useState } from "preact/hooks";
import type { Id, MergeView } from "../client/protocol";
import { customerPath } from "../client/api";
import { rest } from "../state/rest";
import { dialog, minute, reachable } from "../state/store";
import { displayHandle } from "../client/handle";
import { fullWhen, plural, shortDay, shortWhen } from "../view/format";
import { linkWords, ruleWords } from "../view/identity";
import { useAct } from "../view/useAct";
import { Avatar } from "./Avatar";
import { Problem } from "./Problem";
import { Section } from "./Section";

/** Which profiles were joined into this one and why, each with the way back. */
export function Identity({ customer, merges }: { customer: Id; merges: readonly MergeView[] }) {
  return (
    <Section id="identity" title="Identity" note={merges.length ? plural(merges.length + 1, "profile") : undefined}>
      {merges.length === 0 && <p class="none">One profile, nothing was joined.</p>}
      <ul>
        {merges.map((merge) => (
          <li class="joined" key={merge.id} data-test="merge" data-merge={merge.id} id={`merge-${merge.id}`}>
            <Avatar id={merge.leaf} name={merge.leaf_name} size="s" />
            <span class="grow">
              <bdi class="ellipsis block">{merge.leaf_name ?? "Without a name"}</bdi>
              <span class="by" title={fullWhen(merge.at)}>{ruleWords(merge)}, {shortWhen(merge.at, minute.value)}</span>
            </span>
            <button type="button" class="link small" disabled={!reachable.value} data-test="unmerge" onClick={() => { dialog.value = { kind: "unmerge", merge }; }}>Unmerge</button>
          </li>
        ))}
      </ul>
      <Decisions key={`${customer} ${merges.length}`} customer={customer} />
    </Section>
  );
}

interface Decision { id: Id; value: string; rule: string; rivals: Id[]; at: string; by: { name: string } | null }

/** Why each handle is this customer's. Asked for when somebody wants to know. */
function Decisions({ customer }: { customer: Id }) {
  const [found, setFound] = useState<Decision[] | null>(null);
  const act = useAct();
  const ask = () => void act.run(async () => setFound((await rest<{ decisions: Decision[] }>(customerPath(customer, "identity"))).decisions));
  if (!found) {
    return (
      <>
        <button type="button" class="link small more-link" disabled={!reachable.value || act.busy} data-test="why-handles" onClick={ask}>Why these handles</button>
        {act.problem && <Problem text={act.problem} />}
      </>
    );
  }
  return (
    <ul class="decisions">
      {found.length === 0 && <li class="none">No handle was linked.</li>}
      {found.map((each) => (
        <li key={each.id} data-test="decision" title={fullWhen(each.at)}>
          <bdi class="ltr">{displayHandle(each.value)}</bdi>
          <span class="by">{linkWords(each.rule)}{each.by && ` by ${each.by.name}`}{each.rivals.length > 0 && `, between ${each.rivals.length + 1} profiles`}, {shortDay(each.at, minute.value)}</span>
        </li>
      ))}
    </ul>
  );
}
