import type { MergeView } from "../client/protocol";
import { CHANNEL_WORDS } from "../state/route";
import { dialog, minute, reachable } from "../state/store";
import { shortWhen } from "../view/format";
import { ruleWords } from "../view/identity";
import type { Shown } from "../view/rows";
import { Icon } from "./Icon";

/** Under the first entry that came in by a merged handle: it was not written to this profile. */
export function IdentityHint({ merge, entry, into }: { merge: MergeView; entry: Shown; into: string }) {
  const why = () => {
    const row = document.getElementById(`merge-${merge.id}`);
    row?.scrollIntoView({ block: "center" });
    row?.querySelector("button")?.focus({ preventScroll: true });
    row?.classList.add("found");
    setTimeout(() => row?.classList.remove("found"), 1600);
  };
  return (
    <p class="hint" data-test="identity-hint" data-merge={merge.id} title={ruleWords(merge)}>
      <Icon name="merge" />
      <span class="grow">This came in under <b><bdi>{merge.leaf_name ?? entry.handle}</bdi></b>{entry.channel && ` by ${CHANNEL_WORDS[entry.channel]}`}, merged into <bdi>{into}</bdi> {mergedAt(merge)}.</span>
      <button type="button" class="link" data-test="hint-why" onClick={why}>Why</button>
      <button type="button" class="link" disabled={!reachable.value} data-test="hint-unmerge" onClick={() => { dialog.value = { kind: "unmerge", merge }; }}>Unmerge</button>
    </p>
  );
}

function mergedAt(merge: MergeView): string {
  const when = shortWhen(merge.at, minute.value);
  return /^\d\d:/.test(when) ? `at ${when}` : `on ${when}`;
}
