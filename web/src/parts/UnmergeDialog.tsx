import type { MergeView } from "../client/protocol";
import { closeDialog, unmerge } from "../state/identity";
import { minute, profile, reachable } from "../state/store";
import { fullWhen, profileName, shortWhen } from "../view/format";
import { ruleWords } from "../view/identity";
import { SEND_KEY } from "../view/platform";
import { useAct } from "../view/useAct";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";
import { Problem } from "./Problem";

/** Asks before two profiles are taken apart, and says what becomes of each. */
export function UnmergeDialog({ merge }: { merge: MergeView }) {
  const act = useAct();
  const into = profile.value ? profileName(profile.value) : "this profile";
  const name = merge.leaf_name ?? "the profile without a name";
  const go = () => { if (reachable.value) void act.run(() => unmerge(merge.id), closeDialog); };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) go();
  };
  return (
    <Dialog label={`Unmerge ${name}`} kind="unmerge">
      <div onKeyDown={onKeyDown}>
        <header class="merge-head">
          <h2 class="grow">Take <bdi>{name}</bdi> out of <bdi>{into}</bdi>?</h2>
          <button type="button" class="button quiet square small" aria-label="Close" onClick={closeDialog}><Icon name="close" /></button>
        </header>
        <div class="merge-body">
          <p title={fullWhen(merge.at)}>{ruleWords(merge)}, {shortWhen(merge.at, minute.value)}.</p>
          <p class="assure"><Icon name="split" /><span><b>Both profiles come back as they were at the merge.</b> What arrived since goes to the profile whose handle it came in on; what was edited since stays here. You can merge them again.</span></p>
          {act.problem && <Problem text={act.problem} />}
        </div>
        <footer class="merge-foot">
          <span class="grow" />
          <button type="button" class="button" onClick={closeDialog}>Cancel <kbd>Esc</kbd></button>
          <button type="button" class="button primary" autofocus disabled={act.busy || !reachable.value} data-test="unmerge-confirm" onClick={go}><Icon name="split" />Unmerge <kbd>{SEND_KEY}</kbd></button>
        </footer>
      </div>
    </Dialog>
  );
}
