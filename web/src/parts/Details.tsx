import type { Conversation } from "../client/protocol";
import { replyConversation, type OpenProfile } from "../state/profile";
import { Cards } from "./Cards";
import { ConversationList } from "./ConversationList";
import { CustomerHeader } from "./CustomerHeader";
import { Fields } from "./Fields";
import { Handles } from "./Handles";
import { Identity } from "./Identity";
import { PersonDetails } from "./PersonDetails";
import { Relationships } from "./Relationships";
import { Suggestions } from "./Suggestions";
import { Tasks } from "./Tasks";
import { UnknownHeader } from "./UnknownHeader";

export function Details({ open, onJump }: { open: OpenProfile; onJump: (conversation: Conversation) => void }) {
  const { id, customer } = open;
  const shown = replyConversation(open.conversations);
  return (
    <aside class="details" aria-label="Customer Details" data-region="details" tabIndex={-1} data-test="details">
      {customer ? (
        // A form left open belongs to the customer it was opened for.
        <div key={id}>
          <CustomerHeader customer={customer} open={open} />
          <Suggestions customer={id} suggestions={open.suggestions} />
          <Handles customer={customer} />
          <ConversationList open={open} shown={shown?.id} onJump={onJump} />
          <Cards customer={id} cards={open.cards} />
          <PersonDetails customer={id} details={open.details} />
          <Tasks customer={id} tasks={open.tasks} />
          <Relationships customer={id} relationships={open.relationships} pins={open.pins} />
          <Fields customer={customer} />
          <Identity customer={id} merges={open.merges} />
        </div>
      ) : (
        <div key={id}>
          <UnknownHeader open={open} />
          <ConversationList open={open} shown={shown?.id} onJump={onJump} />
          <PersonDetails customer={id} details={open.details} />
          <Tasks customer={id} tasks={open.tasks} />
        </div>
      )}
    </aside>
  );
}
