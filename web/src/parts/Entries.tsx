import type { Author, Media } from "../client/protocol";
import { agent } from "../state/store";
import { CHANNEL_WORDS } from "../state/route";
import { fullWhen, time } from "../view/format";
import type { IconName } from "../view/icons";
import type { Shown } from "../view/rows";
import { Avatar } from "./Avatar";
import { Icon } from "./Icon";
import { Receipt, needsReceipt } from "./Receipt";

/** Consecutive entries of one sender under one header. The side follows the sender, never the language. */
export function EntryGroup({ entries, customerName }: { entries: Shown[]; customerName: string }) {
  const first = entries[0]!;
  if (first.kind !== "message") return <SingleEntry entry={first} customerName={customerName} />;
  const out = first.direction === "out";
  return (
    <div class={`entry ${out ? "out" : ""}`}>
      <Gutter entry={first} out={out} />
      <div class="entry-body">
        <Header entry={first} name={out ? authorName(first.author) : customerName} what={first.channel ? CHANNEL_WORDS[first.channel] : ""} />
        {entries.map((entry, at) => (
          <div key={entry.id} class="said" data-test="entry" data-entry={entry.id} data-kind="message" data-direction={entry.direction ?? undefined} tabIndex={-1} title={fullWhen(entry.at)}>
            <div class={`bubble ${entry.channel === "email" ? "mail" : ""} ${entry.pending ? "pending" : ""}`}>
              {entry.body && <p dir="auto">{entry.body}</p>}
              <Files media={entry.media} />
            </div>
            {out && needsReceipt(entry, at === entries.length - 1) && <Receipt entry={entry} />}
          </div>
        ))}
      </div>
    </div>
  );
}

function SingleEntry({ entry, customerName }: { entry: Shown; customerName: string }) {
  const note = entry.kind === "note";
  const name = note || entry.direction === "out" ? authorName(entry.author) : customerName;
  return (
    <div class="entry wide">
      <Gutter entry={entry} out={false} />
      <div class="entry-body">
        <Header entry={entry} name={name} what={whatOf(entry)} />
        <div class={note ? "note-card" : "call-card"} data-test="entry" data-entry={entry.id} data-kind={entry.kind} tabIndex={-1} title={fullWhen(entry.at)}>
          {entry.kind === "voicemail" && entry.body && <span class="small quiet block">Transcript, automatic</span>}
          <p dir="auto">{entry.body || (entry.kind === "call" ? "Call" : "No transcript")}</p>
          <Files media={entry.media} />
          {entry.pending && <Receipt entry={entry} />}
        </div>
      </div>
    </div>
  );
}

function whatOf(entry: Shown): string {
  if (entry.kind === "note") return "note, only for colleagues";
  if (entry.kind === "voicemail") return "left a voicemail";
  return entry.direction === "out" ? "called the customer" : `called${entry.account ? ` ${entry.account}` : ""}`;
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

function authorName(author: Author | null): string {
  if (!author) return "Automatic reply";
  return author.id === agent.value?.id ? "You" : author.name;
}

function Files({ media }: { media: readonly Media[] }) {
  if (media.length === 0) return null;
  return (
    <ul class="files">
      {media.map((file) => (
        <li key={file.url}>
          <a href={safe(file.url)} target="_blank" rel="noreferrer noopener"><Icon name="link" size={14} />{fileWord(file.content_type)}</a>
        </li>
      ))}
    </ul>
  );
}

/** A provider's link may be anything; only the web is followed. */
function safe(url: string): string | undefined {
  return /^https?:\/\//i.test(url) || url.startsWith("/") ? url : undefined;
}

function fileWord(type: string): string {
  const [family, kind] = type.split("/");
  const word = { image: "Picture", audio: "Recording", video: "Video" }[family ?? ""] ?? "File";
  return kind ? `${word}, ${kind.toUpperCase().split(/[;+]/)[0]}` : word;
}
