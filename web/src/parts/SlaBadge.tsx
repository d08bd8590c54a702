import type { Conversation } from "../client/protocol";
import { clock, now } from "../state/store";
import { dueWords, nextDue } from "../view/sla";
import { Icon } from "./Icon";

/** What the customer was promised and waits for: nothing while we wait for them. */
export function SlaBadge({ conversation }: { conversation: Conversation }) {
  const next = nextDue(conversation.sla ?? []);
  const due = next && dueWords(next, clock.now(now.value));
  if (!due) return null;
  return <span class={`tag ${due.tone}`} data-test="sla" data-tone={due.tone} title={due.title}><Icon name="clock" size={12} />{due.words}</span>;
}
