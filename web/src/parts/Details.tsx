import type { Conversation } from "../client/protocol";
import { replyConversation, type OpenProfile } from "../state/profile";
import { ConversationList } from "./ConversationList";
import { CustomerHeader } from "./CustomerHeader";
import { Handle } from "./Handle";

export function Details({ open, onJump }: { open: OpenProfile; onJump: (conversation: Conversation) => void }) {
  const { handles } = open.customer;
  const shown = replyConversation(open.conversations);
  return (
    <aside class="details" aria-label="Customer Details" data-region="details" tabIndex={-1} data-test="details">
      <CustomerHeader customer={open.customer} />
      <section class="section" aria-labelledby="contact-handles">
        <h2 id="contact-handles">Contact</h2>
        {handles.length === 0 && <p class="none">No handle is known.</p>}
        <ul>{handles.map((handle) => <Handle key={`${handle.kind} ${handle.value}`} handle={handle} />)}</ul>
      </section>
      <ConversationList conversations={open.conversations} shown={shown?.id} onJump={onJump} />
    </aside>
  );
}
