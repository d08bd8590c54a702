import { agent, profile } from "../state/store";
import { contentOf } from "../client/content";
import type { Author, Channel } from "../client/protocol";
import { CHANNEL_WORDS } from "../state/route";
import { whatOfCall } from "../view/call";
import { fullWhen, time } from "../view/format";
import type { IconName } from "../view/icons";
import type { Shown } from "../view/rows";
import { Avatar } from "./Avatar";
import { CallCard } from "./entry/CallCard";
import { Contents, Leads } from "./entry/Contents";
import { Files } from "./entry/Files";
import { MailCard } from "./entry/MailCard";
import { Icon } from "./Icon";
import { PinEntry } from "./PinEntry";
import { Receipt, needsReceipt } from "./Receipt";

/** Channels on which somebody can answer for us elsewhere, in an app of the provider's own. */
const ECHOED: ReadonlySet<Channel> = new Set<Channel>(["messenger", "instagram", "whatsapp", "telegram", "x", "slack"]);

/** Consecutive entries of one sender under one header. The side follows the sender, never the language. */
export function EntryGroup({ entries, customerName }: { entries: Shown[]; customerName: string }) {
  const first = entries[0]!;
  if (first.kind !== "message") return <SingleEntry entry={first} customerName={customerName} />;
  const out = first.direction === "out";
  return (
    <div class={`entry ${out ? "out" : ""}`}>
      <Gutter entry={first} out={out} />
      <div class="entry-body">
        <Header entry={first} name={out ? authorName(first) : customerName} what={first.channel ? CHANNEL_WORDS[first.channel] : ""} />
        {entries.map((entry, at) => (
          <div key={entry.id} class="said" data-test="entry" data-entry={entry.id} data-kind="message" data-direction={entry.direction ?? undefined} tabIndex={-1} title={fullWhen(entry.at)}>
            <Message entry={entry} />
            <Reactions entry={entry} />
            <PinEntry entry={entry} />
            {out && needsReceipt(entry, at === entries.length - 1) && <Receipt entry={entry} />}
          </div>
        ))}
      </div>
    </div>
  );
}

function Message({ entry }: { entry: Shown }) {
  const mail = contentOf(entry.content, "mail");
  if (mail) return <MailCard entry={entry} mail={mail} />;
  const sticker = contentOf(entry.content, "sticker") !== undefined;
  return (
    <div class={`bubble ${sticker ? "sticker" : ""} ${entry.pending ? "pending" : ""} ${entry.unsent_at ? "unsent" : ""}`}>
      <Answered entry={entry} />
      <Leads content={entry.content} />
      {entry.body && <p dir="auto">{entry.body}</p>}
      <Contents content={entry.content} hasBody={entry.body !== ""} />
      <Files media={entry.media} />
      {entry.unsent_at && <p class="mark" data-test="unsent">Taken back {time(entry.unsent_at)}</p>}
      {!entry.unsent_at && entry.edited_at && <p class="mark" data-test="edited">Edited {time(entry.edited_at)}</p>}
    </div>
  );
}

/** The message this one answers, when it is loaded. */
function Answered({ entry }: { entry: Shown }) {
  const answered = entry.in_reply_to && profile.value?.timeline.find((each) => each.id === entry.in_reply_to);
  if (!answered) return null;
  return <p class="answered" dir="auto" data-test="answered">{answered.body || CHANNEL_WORDS[answered.channel ?? "chat"]}</p>;
}

function Reactions({ entry }: { entry: Shown }) {
  if (entry.reactions.length === 0) return null;
  return (
    <p class="reactions" data-test="reactions">
      {entry.reactions.map((each) => <span key={`${each.direction} ${each.emoji}`} title={`${each.direction === "in" ? "The customer" : "You"}, ${time(each.at)}`}>{each.emoji}</span>)}
    </p>
  );
}

function SingleEntry({ entry, customerName }: { entry: Shown; customerName: string }) {
  const note = entry.kind === "note";
  const name = note || entry.direction === "out" ? authorName(entry) : customerName;
  return (
    <div class="entry wide">
      <Gutter entry={entry} out={false} />
      <div class="entry-body">
        <Header entry={entry} name={name} what={note ? "note, only for colleagues" : whatOfCall(entry)} />
        <div class={note ? "note-card" : "call-card"} data-test="entry" data-entry={entry.id} data-kind={entry.kind} tabIndex={-1} title={fullWhen(entry.at)}>
          {note ? <p dir="auto">{entry.body}</p> : <CallCard entry={entry} />}
          {entry.pending && <Receipt entry={entry} />}
        </div>
      </div>
    </div>
  );
}

function Header({ entry, name, what }: { entry: Shown; name: string; what: string }) {
  return (
    <p class="entry-head">
      <b><bdi>{name}</bdi></b>
      <span>{what && `${what} · `}<time dateTime={entry.at}>{time(entry.at)}</time></span>
    </p>
  );
}

function Gutter({ entry, out }: { entry: Shown; out: boolean }) {
  if (out && entry.author) return <Avatar id={entry.author.id} name={entry.author.name} size="s" />;
  const name: IconName = entry.kind === "note" ? "note" : entry.kind === "voicemail" ? "voicemail" : entry.channel ?? "chat";
  return <span class={`glyph ch-${entry.kind === "note" ? "note" : entry.channel ?? "chat"}`}><Icon name={name} size={14} /></span>;
}

function authorName({ author, channel }: { author: Author | null; channel: Shown["channel"] }): string {
  if (!author) return channel && ECHOED.has(channel) ? "Sent from elsewhere, or automatic" : "Automatic reply";
  return author.id === agent.value?.id ? "You" : author.name;
}
