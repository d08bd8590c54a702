import { closeConversation, finish, finishable } from "../state/desk";
import { replyConversation, type OpenProfile } from "../state/profile";
import { agent, heldHere, minute, reachable } from "../state/store";
import { since } from "../view/format";
import { Icon } from "./Icon";
import { Menu } from "./Menu";

export function TimelineHead({ open }: { open: OpenProfile }) {
  const conversation = replyConversation(open.conversations);
  const contact = finishable();
  const parked = heldHere.value.some((held) => held.contact === contact && held.state === "parked");
  const waiting = (conversation?.contacts ?? []).some((each) => each.state === "waiting");
  const colleagues = new Map((conversation?.contacts ?? []).flatMap(({ agent: holder, state }) =>
    holder && state === "assigned" && holder.id !== agent.value?.id ? [[holder.id, holder.name]] : []));
  return (
    <header class="timeline-head" data-region="header" tabIndex={-1}>
      <p class="timeline-title">
        {conversation ? (
          <>
            <b class="ellipsis">{conversation.status === "closed" ? "Closed conversation" : "Open conversation"}</b>
            <span class="quiet small wide-only">since {since(conversation.opened_at, minute.value)}</span>
            {conversation.needs_attention && <span class="tag warn">Needs attention</span>}
          </>
        ) : <b>No conversation yet</b>}
      </p>
      {[...colleagues].map(([id, name]) => <span key={id} class="tag" title="A colleague holds a contact in this conversation"><Icon name="user" size={12} />with {name}</span>)}
      <div class="timeline-actions">
        {parked && <span class="tag">Parked</span>}
        {waiting && <span class="tag" data-test="waiting" title="A contact of this conversation waits in a queue"><Icon name="clock" size={12} />In the queue</span>}
        {contact && (
          <button type="button" class="button" disabled={!reachable.value} data-test="finish" data-contact={contact} title="Finish (F)" onClick={() => void finish()}>
            <Icon name="check" />Finish
          </button>
        )}
        <Menu label="More actions" button={<Icon name="more" />} buttonClass="button quiet square" test="more-actions" align="end">
          {(close) => (
            <button
              type="button" role="menuitem" data-test="close-conversation" disabled={!reachable.value || !conversation || conversation.status === "closed"}
              onClick={() => { void closeConversation(); close(); }}
            >
              <Icon name="close" size={14} />Close conversation
            </button>
          )}
        </Menu>
      </div>
    </header>
  );
}
