import { contentOf } from "../client/content";
import type { CallAction, HeldContact } from "../client/protocol";
import { attempt } from "../state/desk";
import type { OpenProfile } from "../state/profile";
import { dialog, reachable } from "../state/store";
import { ask } from "../state/wire";
import type { IconName } from "../view/icons";
import { Icon } from "./Icon";

/** What can be done with the call one is on. */
export function CallBar({ held, open }: { held: HeldContact; open: OpenProfile }) {
  const call = open.timeline.flatMap((entry) => contentOf(entry.content, "call") ?? []).findLast((each) => each.outcome === null);
  const button = (action: CallAction, word: string, icon: IconName) => (
    <button type="button" class="button quiet" disabled={!reachable.value} data-test={`call-${action}`}
      onClick={() => void attempt(ask({ type: "call", contact: held.contact, action }))}><Icon name={icon} size={14} />{word}</button>
  );
  return (
    <span class="call-bar" role="group" aria-label="This call" data-test="call-bar">
      {call?.on_hold ? button("unhold", "Take off hold", "play") : button("hold", "Hold", "pause")}
      {call?.recording === "running" && button("pause_recording", "Pause recording", "pause")}
      {call?.recording === "paused" && button("resume_recording", "Go on recording", "play")}
      {button("hang_up", "Hang up", "hangup")}
    </span>
  );
}

export function TransferButton({ held }: { held: HeldContact }) {
  return (
    <button type="button" class="button quiet" disabled={!reachable.value} data-test="transfer" title="Transfer (X)"
      onClick={() => { dialog.value = { kind: "transfer", held }; }}><Icon name="transfer" size={14} /><span class="wide-only">Transfer</span></button>
  );
}
