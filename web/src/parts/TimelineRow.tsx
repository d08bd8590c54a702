import type { Conversation } from "../client/protocol";
import { agent, minute } from "../state/store";
import { fullWhen, lineWords, longDay, midSentence, plural, shortDay, since, time } from "../view/format";
import type { Row, Shown } from "../view/rows";
import { ConversationItems } from "./ConversationItems";
import { EntryGroup } from "./Entries";
import { Icon } from "./Icon";
import { IdentityHint } from "./IdentityHint";
import { Menu } from "./Menu";
import { pathWords } from "./TopicPicker";

export function TimelineRow({ row, customerName }: { row: Row; customerName: string }) {
  switch (row.type) {
    case "day": return <div class="day"><span>{longDay(row.at, minute.value)}</span></div>;
    case "start": return <Start conversation={row.conversation} />;
    case "line": return <Line entry={row.entry} />;
    case "hint": return <IdentityHint merge={row.merge} entry={row.entry} into={customerName} />;
    case "group": return <EntryGroup entries={row.entries} customerName={customerName} />;
  }
}

function Start({ conversation }: { conversation: Conversation }) {
  const { status, opened_at, closed_at, contacts, topics } = conversation;
  const when = status === "closed" && closed_at
    ? span(midSentence(shortDay(opened_at, minute.value)), midSentence(shortDay(closed_at, minute.value)))
    : `open since ${since(opened_at, minute.value)}`;
  return (
    <div class="start" data-start={conversation.id} title={`Opened ${fullWhen(opened_at)}`}>
      <Icon name="tag" size={14} />
      <span><b>{topics[0] ? pathWords(topics[0].path) : "Conversation"}</b>, {when}{contacts.length > 0 && `, ${plural(contacts.length, "contact")}`}</span>
      <Menu label="About this conversation" button={<Icon name="more" size={14} />} buttonClass="row-more" test="conversation-menu" align="end">
        {(close) => <ConversationItems conversation={conversation} close={close} />}
      </Menu>
    </div>
  );
}

function span(from: string, to: string): string {
  return from === to ? from : `${from} to ${to}`;
}

function Line({ entry }: { entry: Shown }) {
  return (
    <p class="line" data-test="entry" data-entry={entry.id} data-kind={entry.kind} tabIndex={-1} title={fullWhen(entry.at)}>
      <Icon name={entry.kind === "task" ? "task" : entry.kind === "consent" ? "alert" : "info"} size={14} />
      <span><bdi>{lineWords(entry, agent.value?.id)}</bdi> · {time(entry.at)}</span>
    </p>
  );
}
