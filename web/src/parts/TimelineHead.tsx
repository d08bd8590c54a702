import type { Conversation } from "../client/protocol";
import { beginWrapUp, closeConversation, finish, finishable } from "../state/desk";
import { replyConversation, type OpenProfile } from "../state/profile";
import { agent, heldHere, minute, reachable } from "../state/store";
import { midSentence, shortDay, since } from "../view/format";
import { CallBar, TransferButton } from "./CallBar";
import { ConversationItems } from "./ConversationItems";
import { Icon } from "./Icon";
import { Menu } from "./Menu";
import { SlaBadge } from "./SlaBadge";
import { TopicPicker } from "./TopicPicker";

function spanWords({ status, opened_at, closed_at }: Conversation): string {
  if (status === "closed" && closed_at) return `closed ${midSentence(shortDay(closed_at, minute.value))}`;
  return `since ${since(opened_at, minute.value)}`;
}

export function TimelineHead({ open }: { open: OpenProfile }) {
  const conversation = replyConversation(open.conversations);
  const contact = finishable();
  const held = heldHere.value.find((each) => each.contact === contact);
  const onCall = heldHere.value.find((each) => each.work_class === "voice" && each.state === "assigned");
  const parked = heldHere.value.some((held) => held.contact === contact && held.state === "parked");
  const waiting = (conversation?.contacts ?? []).some((each) => each.state === "waiting");
  const colleagues = new Map((conversation?.contacts ?? []).flatMap(({ agent: holder, state }) =>
    holder && state === "assigned" && holder.id !== agent.value?.id ? [[holder.id, holder.name]] : []));
  return (
    <header class="timeline-head" data-region="header" tabIndex={-1}>
      <div class="timeline-title">
        {conversation ? (
          <>
            {conversation.topics.length === 0 && <b class="ellipsis">{conversation.status === "closed" ? "Closed conversation" : "Open conversation"}</b>}
            <TopicPicker key={conversation.id} conversation={conversation} />
            <span class="quiet small wide-only">{spanWords(conversation)}</span>
            {conversation.needs_attention && <span class="tag warn">Needs attention</span>}
            <SlaBadge conversation={conversation} />
          </>
        ) : <b>No conversation yet</b>}
      </div>
      {[...colleagues].map(([id, name]) => <span key={id} class="tag" title="A colleague holds a contact in this conversation"><Icon name="user" size={12} />with {name}</span>)}
      <div class="timeline-actions">
        {parked && <span class="tag">Parked</span>}
        {waiting && <span class="tag" data-test="waiting" title="A contact of this conversation waits in a queue"><Icon name="clock" size={12} />In the queue</span>}
        {onCall && <CallBar held={onCall} open={open} />}
        {held?.state === "assigned" && <TransferButton held={held} />}
        {held?.state === "assigned" && held.wrap_up === "optional" && (
          <button type="button" class="button quiet" disabled={!reachable.value} data-test="begin-wrap-up" title="Take time for wrap-up" onClick={() => void beginWrapUp(held.contact)}>
            <Icon name="clock" size={14} />Wrap up
          </button>
        )}
        {contact && (
          <button type="button" class="button" disabled={!reachable.value} data-test="finish" data-contact={contact} title="Finish (F)" onClick={() => void finish()}>
            <Icon name="check" />Finish
          </button>
        )}
        <Menu label="More actions" button={<Icon name="more" />} buttonClass="button quiet square" test="more-actions" align="end">
          {(close) => (
            <>
              {conversation && <ConversationItems conversation={conversation} close={close} />}
              <button
                type="button" role="menuitem" data-test="close-conversation" disabled={!reachable.value || !conversation || conversation.status === "closed"}
                onClick={() => { void closeConversation(); close(); }}
              >
                <Icon name="close" size={14} />Close conversation
              </button>
            </>
          )}
        </Menu>
      </div>
    </header>
  );
}
