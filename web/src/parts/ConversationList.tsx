import { useState } from "preact/hooks";
import type { Conversation, Customer, Id } from "../client/protocol";
import { loadConversations } from "../state/pages";
import type { OpenProfile } from "../state/profile";
import { minute, reachable } from "../state/store";
import { CHANNEL_WORDS } from "../state/route";
import { fullWhen, plural, shortDay } from "../view/format";
import { byTopic, type TopicGroup } from "../view/topics";
import { useAct } from "../view/useAct";
import { Problem } from "./Problem";
import { TopicPath, pathWords } from "./TopicPicker";

const STATUS: Record<Conversation["status"], string> = { new: "New", open: "Open", waiting: "Waiting", closed: "Closed" };
const STATUS_LONG: Record<Conversation["status"], string> = { ...STATUS, waiting: "Waiting for the customer" };
/** Conversations of a snapshot; a customer with as many may have more. */
const SNAPSHOT = 20;
const FIRST = 3;

export function ConversationList({ open, shown, onJump }: { open: OpenProfile; shown: Id | undefined; onJump: (conversation: Conversation) => void }) {
  const { conversations } = open;
  const groups = byTopic(conversations, open.customer?.topics ?? NONE);
  return (
    <section class="section" aria-labelledby="conversations">
      <h2 id="conversations">Conversations <span>by topic</span></h2>
      {conversations.length === 0 && <p class="none">No conversations yet.</p>}
      <ul>{groups.map((group) => <Group key={group.key} group={group} shown={shown} onJump={onJump} />)}</ul>
      {conversations.length >= SNAPSHOT && <Earlier key={open.id} customer={open.id} />}
    </section>
  );
}

const NONE: Customer["topics"] = [];

function Group({ group, shown, onJump }: { group: TopicGroup; shown: Id | undefined; onJump: (conversation: Conversation) => void }) {
  const [all, setAll] = useState(false);
  const { conversations, path, contacts } = group;
  const first = conversations[0]!;
  const below = all ? conversations.slice(1) : conversations.slice(1, FIRST);
  return (
    <li data-test="topic-group" data-topic={path.at(-1)}>
      <Line conversation={first} path={path} contacts={contacts} current={first.id === shown} onJump={onJump} />
      {below.map((each) => <Line key={each.id} conversation={each} contacts={each.contacts.length} current={each.id === shown} nested onJump={onJump} />)}
      {conversations.length > 1 + below.length && (
        <button type="button" class="link small more-link nested" data-test="more-conversations" onClick={() => setAll(true)}>{conversations.length - 1 - below.length} earlier</button>
      )}
    </li>
  );
}

function Line({ conversation, path = [], contacts, current, nested, onJump }: {
  conversation: Conversation; path?: readonly string[]; contacts: number; current: boolean; nested?: boolean; onJump: (conversation: Conversation) => void;
}) {
  const { id, status, opened_at, needs_attention, topics } = conversation;
  const about = topics.map((topic) => pathWords(topic.path)).join(", ");
  return (
    <button
      type="button" class={`conversation ${nested ? "nested" : ""}`} aria-current={current ? "true" : undefined} data-test="conversation" data-conversation={id}
      title={`${about && `${about}. `}${STATUS_LONG[status]}, opened ${fullWhen(opened_at)}. Go to its start`} onClick={() => onJump(conversation)}
    >
      <span class="ellipsis">
        {path.length > 0 ? <TopicPath path={path} /> : <><span class={status === "closed" ? "quiet" : "strong"}>{STATUS[status]}</span><span class="quiet">{channels(conversation)}</span></>}
      </span>
      {needs_attention && <span class="tag warn">needs attention</span>}
      {contacts > 0 && <span class="count" title={plural(contacts, "contact")}>{contacts}</span>}
      <time dateTime={opened_at}>{shortDay(opened_at, minute.value)}</time>
    </button>
  );
}

function channels(conversation: Conversation): string {
  const words = new Set(conversation.contacts.map((each) => CHANNEL_WORDS[each.channel]));
  return words.size ? ` · ${[...words].join(", ")}` : "";
}

function Earlier({ customer }: { customer: Id }) {
  const [next, setNext] = useState<string | null | undefined>(undefined);
  const act = useAct();
  if (next === null) return null;
  return (
    <>
      <button type="button" class="link small more-link" disabled={!reachable.value || act.busy} data-test="earlier-conversations"
        onClick={() => void act.run(async () => setNext(await loadConversations(customer, next ?? null)))}>Earlier conversations</button>
      {act.problem && <Problem text={act.problem} />}
    </>
  );
}
