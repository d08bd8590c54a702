import type { HeldContact } from "../client/protocol";
import { hasDraft } from "../state/drafts";
import { open } from "../state/desk";
import { current, marked, minute, opening, secondsLeft } from "../state/store";
import { CHANNEL_WORDS } from "../state/route";
import { displayHandle } from "../client/handle";
import { length, plural, shortWhen } from "../view/format";
import { Avatar } from "./Avatar";

export function MyCustomersItem({ held, tabbable }: { held: HeldContact; tabbable: boolean }) {
  const name = held.customer_name ?? displayHandle(held.handle);
  const shown = (opening.value?.customer ?? current.value) === held.customer;
  const came = marked.value.has(held.contact);
  const line = lineOf(held);
  return (
    <button
      type="button" class={`held ${held.unread ? "unread" : ""}`} aria-current={shown ? "true" : undefined}
      tabIndex={tabbable ? 0 : -1} data-test="my-customer" data-contact={held.contact} data-customer={held.customer} data-state={held.state}
      title={`${name}, ${CHANNEL_WORDS[held.channel]}: ${line}`} onClick={() => void open(held.customer, held.customer_name)}
    >
      <Avatar id={held.customer} name={held.customer_name} channel={held.channel} />
      {(held.unread > 0 || came) && <span class="held-mark" aria-hidden="true" />}
      <span class="held-text">
        <span class="held-line">
          <bdi class="ellipsis held-name">{name}</bdi>
          <time dateTime={held.at}>{shortWhen(held.at, minute.value)}</time>
        </span>
        <span class="held-line quiet">
          <span class="ellipsis">{hasDraft(held.customer) && !shown && <span class="draft-word">Draft · </span>}<bdi>{line}</bdi></span>
          {came && <span class="pill new">New</span>}
          {held.unread > 0 && <span class="pill" aria-label={plural(held.unread, "unread message")}>{held.unread}</span>}
        </span>
      </span>
    </button>
  );
}

function lineOf(held: HeldContact): string {
  if (held.state === "wrapping") {
    return held.due_at ? `Wrap-up, ${length(secondsLeft(held.due_at))} left` : "Wrap-up";
  }
  return held.preview_direction === "out" ? `You: ${held.preview}` : held.preview;
}
