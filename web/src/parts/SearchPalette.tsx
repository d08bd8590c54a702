import { useEffect, useState } from "preact/hooks";
import { searchCustomers } from "../client/api";
import type { CustomerSummary } from "../client/protocol";
import { open } from "../state/desk";
import { dialog, token } from "../state/store";
import { displayHandle, sortedTags } from "../view/format";
import { Avatar } from "./Avatar";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";

const DEBOUNCE_MS = 160;

type Found = { state: "idle" | "busy" } | { state: "failed"; why: string } | { state: "done"; items: CustomerSummary[] };

export function SearchPalette() {
  const [text, setText] = useState("");
  const [found, setFound] = useState<Found>({ state: "idle" });
  const [at, setAt] = useState(0);
  useEffect(() => {
    const asked = text.trim();
    if (!asked) return setFound({ state: "idle" });
    const cancel = new AbortController();
    setFound((before) => (before.state === "done" ? before : { state: "busy" }));
    const timer = setTimeout(() => {
      searchCustomers(token.value ?? "", asked, cancel.signal).then(
        (items) => { setFound({ state: "done", items }); setAt(0); },
        (error: Error) => { if (!cancel.signal.aborted) setFound({ state: "failed", why: error.message }); },
      );
    }, DEBOUNCE_MS);
    return () => { clearTimeout(timer); cancel.abort(); };
  }, [text]);

  const items = found.state === "done" ? found.items : [];
  const choose = (item: CustomerSummary | undefined) => {
    if (!item) return;
    dialog.value = null;
    void open(item.id, item.name);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") choose(items[at]);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || items.length === 0) return;
    event.preventDefault();
    setAt((at + step + items.length) % items.length);
  };
  return (
    <Dialog label="Search customers" kind="search">
      <div class="palette-field">
        <Icon name="search" />
        <input
          type="text" autofocus placeholder="Name, company, number or address" value={text} spellcheck={false} autocomplete="off" data-test="search-field"
          role="combobox" aria-expanded={items.length > 0} aria-controls="found" aria-activedescendant={items[at] ? `found-${at}` : undefined} aria-label="Search customers"
          onInput={(event) => setText(event.currentTarget.value)} onKeyDown={onKeyDown}
        />
        {found.state === "busy" && <span class="spinner" />}
        <kbd>Esc</kbd>
      </div>
      <ul class="palette-list" id="found" role="listbox" aria-label="Customers">
        {items.map((item, index) => <Result key={item.id} item={item} id={`found-${index}`} selected={index === at} onPoint={() => setAt(index)} onChoose={() => choose(item)} />)}
      </ul>
      <p class="palette-foot" role="status">{sentence(found, text)}</p>
    </Dialog>
  );
}

function Result({ item, id, selected, onPoint, onChoose }: {
  item: CustomerSummary; id: string; selected: boolean; onPoint: () => void; onChoose: () => void;
}) {
  const handles = item.handles.map(displayHandle);
  return (
    <li id={id} role="option" aria-selected={selected} data-test="search-result" data-customer={item.id} onPointerMove={onPoint} onClick={onChoose}>
      <Avatar id={item.id} name={item.name} />
      <span class="grow">
        <bdi class="ellipsis block strong">{item.name ?? handles[0] ?? "Unknown customer"}</bdi>
        <span class="ellipsis block small quiet">{[item.company, ...handles.slice(item.name ? 0 : 1)].filter(Boolean).join(" · ")}</span>
      </span>
      {item.plan && <span class="tag accent">{item.plan}</span>}
      {sortedTags(item.tags).slice(0, 2).map(({ tag, vip, word }) => <span key={tag} class={`tag ${vip ? "vip" : ""}`}>{word}</span>)}
    </li>
  );
}

function sentence(found: Found, text: string): string {
  if (found.state === "failed") return `The search did not work. ${found.why}`;
  if (found.state === "done") return found.items.length ? "↑ ↓ to choose, Enter to open" : `Nobody found for “${text.trim()}”. Try a number or an address.`;
  return found.state === "busy" ? "Searching" : "Type a name, a company, a number or an address.";
}
