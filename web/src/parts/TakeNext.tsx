import { useState } from "preact/hooks";
import { canTakeNext, takeNext } from "../state/desk";
import { Icon } from "./Icon";

/** For who chooses the moment: the contact that waits longest, at once. */
export function TakeNext() {
  const [busy, setBusy] = useState(false);
  if (!canTakeNext.value) return null;
  const take = async () => {
    setBusy(true);
    await takeNext();
    setBusy(false);
  };
  return (
    <button type="button" class="find" title="Take the contact that waits longest" data-test="next" disabled={busy} onClick={() => void take()}>
      <Icon name="headset" /><span class="find-words">Take next</span><kbd>N</kbd>
    </button>
  );
}
