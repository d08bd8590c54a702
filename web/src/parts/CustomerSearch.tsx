import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { CustomerSummary } from "../client/protocol";
import { searchCustomers } from "../state/rest";
import { displayHandle } from "../client/handle";
import { sortedTags } from "../view/format";
import { Avatar } from "./Avatar";
import { Icon } from "./Icon";

const DEBOUNCE_MS = 160;

type Found = { state: "idle" | "busy" } | { state: "failed"; why: string } | { state: "done"; items: CustomerSummary[] };

/** A field, and under it who was found: arrows choose, Enter takes. Before anything is typed, `before` is offered. */
export function CustomerSearch({ id, placeholder, before = [], without, beforeTitle, autofocus, onChoose, foot, end }: {
  id: string; placeholder: string; before?: readonly CustomerSummary[]; beforeTitle?: string; without?: string | undefined; autofocus?: boolean;
  onChoose: (item: CustomerSummary) => void; foot?: (sentence: string) => ComponentChildren; end?: ComponentChildren;
}) {
  const [text, setText] = useState("");
  const [found, setFound] = useState<Found>({ state: "idle" });
  const [at, setAt] = useState(0);
  useEffect(() => {
    const asked = text.trim();
    if (!asked) return setFound({ state: "idle" });
    const cancel = new AbortController();
    setFound((known) => (known.state === "done" ? known : { state: "busy" }));
    const timer = setTimeout(() => {
      searchCustomers(asked, cancel.signal).then(
        (items) => { setFound({ state: "done", items }); setAt(0); },
        (error: Error) => { if (!cancel.signal.aborted) setFound({ state: "failed", why: error.message }); },
      );
    }, DEBOUNCE_MS);
    return () => { clearTimeout(timer); cancel.abort(); };
  }, [text]);

  const offered = found.state === "idle" ? before : found.state === "done" ? found.items : [];
  const items = offered.filter((item) => item.id !== without);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") {
      event.preventDefault();
      if (items[at]) onChoose(items[at]);
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || items.length === 0) return;
    event.preventDefault();
    setAt((at + step + items.length) % items.length);
  };
  return (
    <>
      <div class="palette-field">
        <Icon name="search" />
        <input
          type="text" autofocus={autofocus} placeholder={placeholder} value={text} spellcheck={false} autocomplete="off" data-test="search-field"
          role="combobox" aria-expanded={items.length > 0} aria-controls={id} aria-activedescendant={items[at] ? `${id}-${at}` : undefined} aria-label={placeholder}
          onInput={(event) => setText(event.currentTarget.value)} onKeyDown={onKeyDown}
        />
        {found.state === "busy" && <span class="spinner" />}
        {end}
      </div>
      {found.state === "idle" && items.length > 0 && beforeTitle && <p class="palette-title">{beforeTitle}</p>}
      <ul class="palette-list" id={id} role="listbox" aria-label="Customers">
        {items.map((item, index) => (
          <Result key={item.id} item={item} id={`${id}-${index}`} words={text} selected={index === at} onPoint={() => setAt(index)} onChoose={() => onChoose(item)} />
        ))}
      </ul>
      {foot?.(sentence(found, text, items.length))}
    </>
  );
}

function Result({ item, id, words, selected, onPoint, onChoose }: {
  item: CustomerSummary; id: string; words: string; selected: boolean; onPoint: () => void; onChoose: () => void;
}) {
  const handles = item.handles.map(displayHandle);
  return (
    <li id={id} role="option" aria-selected={selected} data-test="search-result" data-customer={item.id} data-matched={item.matched ?? undefined} onPointerMove={onPoint} onClick={onChoose}>
      <Avatar id={item.id} name={item.name} />
      <span class="grow">
        <bdi class="ellipsis block strong">{item.name ?? handles[0] ?? "Unknown customer"}</bdi>
        <span class="ellipsis block small quiet">{[item.company, ...handles.slice(item.name ? 0 : 1)].filter(Boolean).join(" · ")}</span>
        {item.excerpt && (
          <span class="excerpt small" data-test="excerpt"><span class="quiet">{item.matched === "message" ? "Message: " : "Field: "}</span><bdi><Marked text={item.excerpt} words={words} /></bdi></span>
        )}
      </span>
      {item.plan && <span class="tag accent">{item.plan}</span>}
      {sortedTags(item.tags).slice(0, 2).map(({ tag, vip, word }) => <span key={tag} class={`tag ${vip ? "vip" : ""}`}>{word}</span>)}
    </li>
  );
}

/** The words that were looked for, marked where they stand. */
function Marked({ text, words }: { text: string; words: string }) {
  const looked = words.trim().split(/\s+/).filter((word) => word.length > 1).sort((a, b) => b.length - a.length).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (looked.length === 0) return <>{text}</>;
  return <>{text.split(new RegExp(`(?<![\\p{L}\\p{N}])(${looked.join("|")})`, "giu")).map((part, at) => (at % 2 ? <mark key={at}>{part}</mark> : part))}</>;
}

function sentence(found: Found, text: string, count: number): string {
  if (found.state === "failed") return `The search did not work. ${found.why}`;
  if (found.state === "done") return count ? "↑ ↓ to choose, Enter to open" : `Nobody found for “${text.trim()}”. Try a number, an address or words of a message.`;
  return found.state === "busy" ? "Searching" : "A name, a company, any spelling of a number, an address, words of a message.";
}
