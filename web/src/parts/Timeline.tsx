import type { RefObject } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Id } from "../client/protocol";
import { outbox } from "../state/outbox";
import { loadOlder, loading, pageProblem } from "../state/pages";
import type { OpenProfile } from "../state/profile";
import { agent, atNewest, minute, reachable } from "../state/store";
import { dayKey, displayName } from "../view/format";
import { rowsOf } from "../view/rows";
import { Icon } from "./Icon";
import { TimelineRow } from "./TimelineRow";

/** Nearer than this to an edge counts as at it. */
const BOTTOM_PX = 48;
const TOP_PX = 500;

interface Anchor { id: Id; top: number }

export function Timeline({ open, flow }: { open: OpenProfile; flow: RefObject<HTMLDivElement | null> }) {
  const inner = useRef<HTMLDivElement>(null);
  const atBottom = useRef(true);
  const scrolled = useRef(0);
  const anchor = useRef<Anchor | null>(null);
  const ends = useRef({ oldest: "", count: 0 });
  const [unseen, setUnseen] = useState(0);
  const pending = outbox.value.filter((each) => each.customer === open.customer.id);
  const { timeline, more } = open;
  const me = agent.value;
  const day = dayKey(minute.value);
  const rows = useMemo(
    () => rowsOf(timeline, pending, open.conversations, more, me),
    [timeline, outbox.value, open.conversations, more, me, day],
  );

  // The same elements again tell the renderer that nothing changed in them.
  const name = displayName(open.customer);
  const drawn = useMemo(() => rows.map((row) => <TimelineRow key={row.key} row={row} customerName={name} />), [rows, name]);

  const older = () => {
    const box = flow.current;
    if (box && more && reachable.value && box.scrollTop < TOP_PX) void loadOlder(open.customer.id);
  };
  const onScroll = () => {
    const box = flow.current!;
    const near = box.scrollHeight - box.scrollTop - box.clientHeight < BOTTOM_PX;
    // Rows that take their real height, or a taller composer, move the bottom away; only going up leaves it.
    if (near || box.scrollTop < scrolled.current) atBottom.current = near;
    scrolled.current = box.scrollTop;
    anchor.current = firstVisible(box);
    if (atBottom.current) setUnseen(0);
    atNewest.value = atBottom.current;
    older();
  };
  const toNewest = () => {
    atBottom.current = true;
    atNewest.value = true;
    flow.current!.scrollTop = flow.current!.scrollHeight;
    setUnseen(0);
  };

  useLayoutEffect(() => {
    const box = flow.current!;
    const before = ends.current;
    const oldest = timeline[0]?.id ?? "";
    const grown = timeline.length + pending.length;
    ends.current = { oldest, count: grown };
    if (atBottom.current) toNewest();
    else if (before.oldest !== oldest) restore(box, anchor.current);
    else if (grown > before.count) {
      // The agent's own words always come into view; those of others never move the reader.
      if (pending.length && grown - before.count === 1 && pending.at(-1)!.at > Date.now() - 1000) toNewest();
      else setUnseen((count) => count + grown - before.count);
    }
    older();
  }, [timeline, pending.length]);

  useLayoutEffect(() => {
    const watch = new ResizeObserver(() => {
      if (atBottom.current) flow.current!.scrollTop = flow.current!.scrollHeight;
    });
    watch.observe(flow.current!);
    watch.observe(inner.current!);
    return () => watch.disconnect();
  }, []);

  return (
    <div class="flow-frame">
      <div class="flow" ref={flow} onScroll={onScroll} onKeyDown={moveBetween} role="log" aria-live="off" aria-label="Conversation Timeline" tabIndex={0} data-test="timeline">
        <div class="flow-inner" ref={inner}>
          <Top open={open} />
          {drawn}
        </div>
      </div>
      {unseen > 0 && <button type="button" class="button newest" data-test="newest" onClick={toNewest}><Icon name="down" size={14} />{unseen} new, go to newest</button>}
    </div>
  );
}

function Top({ open }: { open: OpenProfile }) {
  if (pageProblem.value && open.more) {
    return <p class="flow-top">{pageProblem.value} <button type="button" class="link" onClick={() => void loadOlder(open.customer.id)}>Try again</button></p>;
  }
  const busy = loading.value === open.customer.id;
  if (open.more) {
    return (
      <p class="flow-top">
        {busy && <span class="spinner" />}
        <button type="button" class="link" aria-disabled={busy || !reachable.value} onClick={() => reachable.value && void loadOlder(open.customer.id)}>
          {busy ? "Loading earlier entries" : "Earlier entries"}
        </button>
      </p>
    );
  }
  if (open.timeline.length === 0) return <p class="flow-top">Nothing has happened with this customer yet.</p>;
  return <p class="flow-top">Nothing is older than this</p>;
}

function firstVisible(box: HTMLElement): Anchor | null {
  const top = box.getBoundingClientRect().top;
  for (const entry of box.querySelectorAll<HTMLElement>("[data-entry]")) {
    const place = entry.getBoundingClientRect();
    if (place.bottom > top) return { id: entry.dataset["entry"]!, top: place.top - top };
  }
  return null;
}

function restore(box: HTMLElement, anchor: Anchor | null): void {
  const entry = anchor && box.querySelector(`[data-entry="${anchor.id}"]`);
  if (!entry) return;
  box.scrollTop += entry.getBoundingClientRect().top - box.getBoundingClientRect().top - anchor.top;
}

/** Arrow keys walk the entries, Home and End go to the first loaded and the newest. */
function moveBetween(event: KeyboardEvent): void {
  const box = event.currentTarget as HTMLElement;
  const entries = [...box.querySelectorAll<HTMLElement>("[data-entry]")];
  const at = entries.indexOf(document.activeElement as HTMLElement);
  const next = {
    ArrowUp: at < 0 ? entries.at(-1) : entries[at - 1],
    ArrowDown: entries[at + 1],
    Home: entries[0],
    End: entries.at(-1),
  }[event.key];
  if (!next || event.altKey) return;
  event.preventDefault();
  next.focus();
}
