import type { DeliveryStatus } from "../client/protocol";
import { retry } from "../state/desk";
import { reachable } from "../state/store";
import type { Shown } from "../view/rows";
import { RECEIPT_WORDS } from "../view/format";
import type { IconName } from "../view/icons";
import { Icon } from "./Icon";

const ICON: Record<DeliveryStatus, IconName> = {
  queued: "clock", sending: "clock", sent: "check", delivered: "checks", read: "checks", failed: "alert", unknown: "alert",
};

export function Receipt({ entry }: { entry: Shown }) {
  if (entry.pending) {
    return (
      <p class="receipt" data-test="receipt" data-status="pending">
        <span class="spinner small" />{reachable.value ? "Sending" : "Kept here, sent when the connection is back"}
      </p>
    );
  }
  if (!entry.status) return null;
  const bad = entry.status === "failed" || entry.status === "unknown";
  return (
    <p class={`receipt ${entry.status}`} data-test="receipt" data-status={entry.status}>
      <Icon name={ICON[entry.status]} size={14} />
      <span>{RECEIPT_WORDS[entry.status]}{entry.error && `, ${entry.error}`}</span>
      {bad && <button type="button" class="link" disabled={!reachable.value} data-test="retry" onClick={() => void retry(entry.id)}>{entry.status === "failed" ? "Retry" : "Send again"}</button>}
    </p>
  );
}

/** Only what the reader needs: the last of a group, and every one not yet there. */
export function needsReceipt(entry: Shown, last: boolean): boolean {
  return last || entry.pending === true || entry.status === "failed" || entry.status === "unknown" || entry.status === "queued" || entry.status === "sending";
}
