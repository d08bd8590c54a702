import type { Conversation, Id } from "../client/protocol";
import { byNewest } from "../state/profile";
import { minute } from "../state/store";
import { CHANNEL_WORDS } from "../state/route";
import { fullWhen, plural, shortDay } from "../view/format";

const STATUS: Record<Conversation["status"], string> = {
  new: "New", open: "Open", waiting: "Waiting", closed: "Closed",
};
const STATUS_LONG: Record<Conversation["status"], string> = { ...STATUS, waiting: "Waiting for the customer" };

export function ConversationList({ conversations, shown, onJump }: {
  conversations: readonly Conversation[]; shown: Id | undefined; onJump: (conversation: Conversation) => void;
}) {
  return (
    <section class="section" aria-labelledby="conversations">
      <h2 id="conversations">Conversations <span>{conversations.length}</span></h2>
      {conversations.length === 0 && <p class="none">No conversations yet.</p>}
      <ul>
        {byNewest(conversations as Conversation[]).map((each) => (
          <li key={each.id}>
            <button
              type="button" class="conversation" aria-current={each.id === shown ? "true" : undefined} data-test="conversation" data-conversation={each.id}
              title={`${STATUS_LONG[each.status]}, opened ${fullWhen(each.opened_at)}. Go to its start`} onClick={() => onJump(each)}
            >
              <span class="ellipsis">
                <span class={each.status === "closed" ? "quiet" : "strong"}>{STATUS[each.status]}</span>
                <span class="quiet">{channels(each)}</span>
              </span>
              {each.needs_attention && <span class="tag warn">needs attention</span>}
              {each.contacts.length > 0 && <span class="count" title={plural(each.contacts.length, "contact")}>{each.contacts.length}</span>}
              <time dateTime={each.opened_at}>{shortDay(each.opened_at, minute.value)}</time>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function channels(conversation: Conversation): string {
  const words = new Set(conversation.contacts.map((each) => CHANNEL_WORDS[each.channel]));
  return words.size ? ` · ${[...words].join(", ")}` : "";
}
