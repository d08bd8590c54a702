import { useEffect, useState } from "preact/hooks";
import type { Mail, MailAddress } from "../../client/protocol";
import { mailHtml } from "../../state/files";
import { AUTOMATIC_WORDS } from "../../view/content";
import type { Shown } from "../../view/rows";
import { Icon } from "../Icon";
import { Files } from "./Files";

/** A mail: what was written, and folded under it what it repeats. Its HTML only when asked, in a frame that runs nothing. */
export function MailCard({ entry, mail }: { entry: Shown; mail: Mail }) {
  const [quoted, setQuoted] = useState(false);
  const [html, setHtml] = useState(false);
  const rest = [mail.signature, mail.quoted].filter((each) => each !== null).join("\n\n");
  const beside = entry.media.filter((file) => !html || file.content_id === null);
  return (
    <div class={`mail-card ${entry.pending ? "pending" : ""}`} data-test="mail">
      <p class="mail-subject" dir="auto">{mail.subject || "No subject"}</p>
      <Envelope mail={mail} />
      {mail.automatic && <p class="mail-mark"><Icon name="info" size={14} />{AUTOMATIC_WORDS[mail.automatic]}</p>}
      {entry.direction === "in" && !mail.authenticated && <p class="mail-mark warn"><Icon name="alert" size={14} />The sender is not proven: the mail only claims to be from this address</p>}
      {mail.incomplete && <p class="mail-mark warn" data-test="mail-incomplete"><Icon name="alert" size={14} />{mail.incomplete} The whole source is kept.</p>}
      {html ? <HtmlFrame entry={entry.id} /> : entry.body && <p class="mail-text" dir="auto">{entry.body}</p>}
      {quoted && !html && <p class="mail-text quiet" dir="auto" data-test="quoted">{rest}</p>}
      <div class="mail-folds">
        {rest && !html && (
          <button type="button" class="fold" aria-expanded={quoted} data-test="show-quoted" onClick={() => setQuoted(!quoted)}>
            {quoted ? "Hide quoted text" : `Quoted text, ${rest.split("\n").length} lines`}
          </button>
        )}
        {mail.html && <button type="button" class="fold" aria-pressed={html} data-test="show-html" onClick={() => setHtml(!html)}>{html ? "As text" : "As sent"}</button>}
      </div>
      <Files media={beside} beside />
    </div>
  );
}

function Envelope({ mail }: { mail: Mail }) {
  const line = (word: string, addresses: readonly MailAddress[]) =>
    addresses.length > 0 && <span>{word} <bdi class="ltr">{addresses.slice(0, 5).map((each) => each.email).join(", ")}</bdi>{addresses.length > 5 && ` and ${addresses.length - 5} more`}</span>;
  return <p class="mail-envelope">{line("to", mail.to)}{line("copy to", mail.cc)}</p>;
}

/** The cleaned page as it is served: it runs nothing and loads nothing; pictures that came with the mail stand in it. */
function HtmlFrame({ entry }: { entry: string }) {
  const [page, setPage] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    let gone = false;
    mailHtml(entry).then((html) => gone || setPage(html), (error: Error) => gone || setProblem(error.message));
    return () => { gone = true; };
  }, [entry]);
  if (problem) return <p class="mail-mark warn" role="alert"><Icon name="alert" size={14} />{problem}</p>;
  if (page === null) return <p class="mail-text"><span class="spinner" /></p>;
  return <iframe class="mail-frame" sandbox="allow-popups" referrerpolicy="no-referrer" title="The mail as it was sent" srcdoc={page} data-test="mail-frame" />;
}
