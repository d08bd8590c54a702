import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Conversation, CustomerSummary } from "../client/protocol";
import { displayHandle } from "../client/handle";
import { closeDialog, moveConversation } from "../state/identity";
import { replyConversation, type OpenProfile } from "../state/profile";
import { minute, profile, reachable } from "../state/store";
import { midSentence, plural, profileName, shortDay } from "../view/format";
import { listWords } from "../view/identity";
import { SEND_KEY } from "../view/platform";
import { useAct } from "../view/useAct";
import { Avatar } from "./Avatar";
import { CustomerSearch } from "./CustomerSearch";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";
import { Problem } from "./Problem";
import { pathWords } from "./TopicPicker";

/** Whose is this conversation? Says what becomes of it before anything moves. */
export function MoveDialog({ conversation }: { conversation: Conversation }) {
  // The one it was opened on: the screen behind goes on.
  const [from] = useState(profile.value);
  const [to, setTo] = useState<CustomerSummary | null>(null);
  const [withHandle, setWithHandle] = useState(false);
  const act = useAct();
  const body = useRef<HTMLDivElement>(null);
  // What had the keyboard is gone: the question has it, or the search again.
  useLayoutEffect(() => body.current?.querySelector<HTMLElement>(to ? "h2" : "input")?.focus(), [to]);
  if (!from) return null;
  const handles = handlesOf(from, conversation);
  const ready = to !== null && !act.busy && reachable.value;
  const move = () => {
    if (!ready) return;
    const writing = replyConversation(from.conversations)?.id === conversation.id;
    void act.run(() => moveConversation({ conversation: conversation.id, from: from.id, to: { id: to.id, name: nameOf(to) }, withHandle, writing }), closeDialog);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) move();
  };
  return (
    <Dialog label="Move this conversation" kind="move">
      <div class="merge" ref={body} onKeyDown={onKeyDown}>
        <header class="merge-head">
          <div class="grow">
            <h2 tabIndex={-1}>{to ? <>Move this conversation to <bdi>{nameOf(to)}</bdi>?</> : "Whose is this conversation?"}</h2>
            <p class="quiet">{aboutWords(conversation)}, now with <bdi>{profileName(from)}</bdi></p>
          </div>
          <button type="button" class="button quiet square small" aria-label="Close" onClick={closeDialog}><Icon name="close" /></button>
        </header>
        <div class="merge-body">
          {to ? <Chosen to={to} onChange={() => setTo(null)} /> : (
            <div class="move-search"><CustomerSearch id="movers" placeholder="Name, company, number or address" without={from.id} autofocus onChoose={setTo}
              foot={(sentence) => <p class="small quiet" role="status">{sentence.replace("Enter to open", "Enter to take")}</p>} /></div>
          )}
          {to && handles.length > 0 && (
            <label class="check move-handle">
              <input type="checkbox" checked={withHandle} data-test="with-handle" onChange={(event) => setWithHandle(event.currentTarget.checked)} />
              <span>With its handle: <bdi class="ltr">{listWords(handles)}</bdi><span class="by">What comes by it from now on is theirs too. Undoing the move leaves the handle with them.</span></span>
            </label>
          )}
          {to && <p class="assure"><Icon name="split" /><span><b>You can undo this at any time</b> with Unmerge, under Identity of <bdi>{nameOf(to)}</bdi>. The conversation, {withHandle ? "its handle, " : ""}its contacts, tasks and everything written in it move to their timeline; whoever holds a contact keeps it. Undone, it stands by itself until somebody says whose it is.</span></p>}
          {act.problem && <Problem text={act.problem} />}
        </div>
        <footer class="merge-foot">
          <span class="grow" />
          <button type="button" class="button" onClick={closeDialog}>Cancel <kbd>Esc</kbd></button>
          <button type="button" class="button primary" disabled={!ready} data-test="move-confirm" onClick={move}>{act.busy ? "Moving" : "Move"} <kbd>{SEND_KEY}</kbd></button>
        </footer>
      </div>
    </Dialog>
  );
}

function Chosen({ to, onChange }: { to: CustomerSummary; onChange: () => void }) {
  return (
    <div class="move-chosen" data-test="move-to" data-customer={to.id}>
      <Avatar id={to.id} name={to.name} />
      <span class="grow">
        <bdi class="ellipsis block strong">{nameOf(to)}</bdi>
        <span class="ellipsis block small quiet">{[to.company, ...to.handles.map(displayHandle)].filter(Boolean).join(" · ")}</span>
      </span>
      <button type="button" class="button quiet small" data-test="move-other" onClick={onChange}>Choose another</button>
    </div>
  );
}

const nameOf = (to: CustomerSummary): string => to.name ?? (to.handles[0] ? displayHandle(to.handles[0]) : "a customer without a name");

function aboutWords({ topics, opened_at, contacts }: Conversation): string {
  const about = topics[0] ? pathWords(topics[0].path) : "Conversation";
  return `${about}, opened ${midSentence(shortDay(opened_at, minute.value))}${contacts.length ? `, ${plural(contacts.length, "contact")}` : ""}`;
}

/** The customer's own handles that this conversation came by, as far as it is loaded. A shared one is nobody's to give. */
function handlesOf({ timeline, customer }: OpenProfile, { id }: Conversation): string[] {
  const used = new Set(timeline.filter((entry) => entry.conversation === id && entry.direction === "in").map((entry) => entry.handle));
  return (customer?.handles ?? []).filter((each) => used.has(each.value) && !each.shared).map((each) => each.display);
}
