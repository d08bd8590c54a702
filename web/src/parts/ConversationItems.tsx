import type { Conversation } from "../client/protocol";
import { agent, dialog, profile, reachable } from "../state/store";
import { Icon } from "./Icon";

/** What a menu offers of any conversation, open or closed. */
export function ConversationItems({ conversation, close }: { conversation: Conversation; close: () => void }) {
  const mine = conversation.contacts.some((each) => each.agent?.id === agent.value?.id);
  const show = (kind: "seen" | "move") => {
    close();
    dialog.value = { kind, conversation };
  };
  return (
    <>
      <button type="button" role="menuitem" data-test="seen-at-accept" disabled={!reachable.value || conversation.contacts.length === 0} onClick={() => show("seen")}>
        <Icon name="clock" size={14} />{mine ? "As you saw it at accept" : "As it was seen at accept"}
      </button>
      {/* Nobody's conversation is identified, not moved. */}
      {profile.value?.customer && (
        <button type="button" role="menuitem" data-test="move-conversation" disabled={!reachable.value} onClick={() => show("move")}>
          <Icon name="people" size={14} />Move to another customer
        </button>
      )}
    </>
  );
}
