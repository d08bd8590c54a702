import { Fragment, type RefObject } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Conversation, Id } from "../client/protocol";
import { outbox } from "../state/outbox";
import { loadNewer, loadNewest, loadOlder, loadStart, loading, pageProblem } from "../state/pages";
import type { OpenProfile } from "../state/profile";
import { agent, atNewest, minute, reachable } from "../state/store";
import { dayKey, profileName } from "../view/format";
import { rowsOf } from "../view/rows";
import { useWindow } from "../view/useWindow";
import { Icon } from "./Icon";
import { Identify } from "./Identify";
import { TimelineRow } from "./TimelineRow";

/** Nearer than this to an edge counts as at it. */
const BOTTOM_PX = 48;
const PAGE_PX = 500;
/** The start of a conversation and the day that sticks above it have room over the entry jumped to. */
const JUMP_TOP_PX = 96;
const FOUND_MS = 1_600;

export type Jump = (conversation: Conversation) => Promise<void>;

export function Timeline({ open, jump }: { open: OpenProfile; jump: RefObject<Jump> }) {
  const flow = useRef<HTMLDivElement>(null);
  const scrolled = useRef(0);
  const last = useRef<{ id: Id | undefined; count: number }>({ id: undefined, count: 0 });
  const [unseen, setUnseen] = useState(0);
  const pending = open.newer ? [] : outbox.value.filter((each) => each.customer === open.id);
  const { timeline, conversations, more, merges, customer } = open;
  const me = agent.value;
  const day = dayKey(minute.value);
  const rows = useMemo(() => rowsOf(open, pending, me), [timeline, outbox.value, conversations, more, merges, customer?.handles, me, day]);
  const window = useWindow(rows, flow);
  const name = profileName(open);

  const jumping = useRef(false);
  const pageAtEdges = () => {
    const box = flow.current;
    if (!box || !reachable.value || jumping.current) return;
    // The end of what is loaded is a place like any other while newer entries follow.
    if (open.newer && window.place.current === "end") window.scrolled();
    if (more && box.scrollTop < PAGE_PX) void loadOlder(open.id);
    else if (open.newer && left(box) < PAGE_PX) void loadNewer(open.id);
  };
  const onScroll = () => {
    const box = flow.current!;
    const near = left(box) < BOTTOM_PX && !open.newer;
    // Rows that take their real height, or a taller composer, move the bottom away; only going up leaves it.
    if (near) window.place.current = "end";
    else if (window.place.current !== "end" || box.scrollTop < scrolled.current) window.scrolled();
    scrolled.current = box.scrollTop;
    if (window.place.current === "end") setUnseen(0);
    atNewest.value = window.place.current === "end";
    pageAtEdges();
  };
  const toNewest = async () => {
    await loadNewest(open.id);
    atNewest.value = true;
    setUnseen(0);
    window.go("end");
  };
  jump.current = async (conversation) => {
    jumping.current = true;
    const entry = await loadStart(open.id, conversation);
    jumping.current = false;
    if (!entry) return;
    atNewest.value = false;
    window.go({ entry, top: JUMP_TOP_PX });
    requestAnimationFrame(() => show(flow.current, conversation.id, entry));
  };

  useLayoutEffect(() => {
    const before = last.current;
    const newest = pending.at(-1)?.id ?? timeline.at(-1)?.id;
    last.current = { id: newest, count: timeline.length + pending.length };
    const grown = last.current.count - before.count;
    if (before.id !== undefined && newest !== before.id && window.place.current !== "end" && !open.newer && grown > 0) {
      // The agent's own words always come into view; those of others never move the reader.
      if (pending.some((each) => each.id === newest) && grown === 1) void toNewest();
      else setUnseen((count) => count + grown);
    }
    pageAtEdges();
  }, [timeline, pending.length]);

  const drawn = [...(window.day < 0 ? [] : [window.day]), ...Array.from({ length: window.range.to - window.range.from }, (_, at) => window.range.from + at)];
  const elsewhere = open.newer ? open.arrived.length : unseen;
  return (
    <div class="flow-frame">
      <div class="flow" ref={flow} onScroll={onScroll} onKeyDown={(event) => moveBetween(event, () => void toNewest())}
        role="log" aria-live="off" aria-label="Conversation Timeline" tabIndex={0} data-test="timeline" data-rows={rows.length}>
        <div class="flow-inner">
          <Top open={open} />
          <div class="flow-gap" style={{ height: `${window.before}px` }} />
          {drawn.map((at) => {
            const row = rows[at]!;
            return (
              <Fragment key={row.key}>
                <div class={`flow-row ${row.type === "day" ? "sticky" : ""}`} data-row={row.key}><TimelineRow row={row} customerName={name} /></div>
                {at === window.day && <div class="flow-gap" style={{ height: `${window.between}px` }} />}
              </Fragment>
            );
          })}
          <div class="flow-gap" style={{ height: `${window.after}px` }} />
          {open.newer && <p class="flow-top">{loading.value?.end === "newer" ? <><span class="spinner" />Loading later entries</> : "Later entries follow"}</p>}
          {!open.customer && !open.newer && <Identify open={open} />}
        </div>
      </div>
      {(elsewhere > 0 || open.newer) && (
        <button type="button" class="button newest" data-test="newest" onClick={() => void toNewest()}>
          <Icon name="down" size={14} />{elsewhere > 0 ? `${elsewhere} new, go to newest` : "Go to newest"}<kbd>End</kbd>
        </button>
      )}
    </div>
  );
}

function Top({ open }: { open: OpenProfile }) {
  if (pageProblem.value && open.more) {
    return <p class="flow-top">{pageProblem.value} <button type="button" class="link" onClick={() => void loadOlder(open.id)}>Try again</button></p>;
  }
  const busy = loading.value?.customer === open.id && loading.value.end === "older";
  if (open.more) {
    return (
      <p class="flow-top">
        {busy && <span class="spinner" />}
        <button type="button" class="link" aria-disabled={busy || !reachable.value} onClick={() => reachable.value && void loadOlder(open.id)}>
          {busy ? "Loading earlier entries" : "Earlier entries"}
        </button>
      </p>
    );
  }
  if (open.timeline.length === 0) return <p class="flow-top">Nothing has happened with this customer yet.</p>;
  return <p class="flow-top">Nothing is older than this</p>;
}

const left = (box: HTMLElement): number => box.scrollHeight - box.scrollTop - box.clientHeight;

/** Mark what was jumped to, and bring the keyboard there. */
function show(flow: HTMLElement | null, conversation: Id, entry: Id): void {
  const target = flow?.querySelector(`[data-start="${conversation}"]`) ?? flow?.querySelector(`[data-entry="${entry}"]`);
  flow?.focus({ preventScroll: true });
  target?.classList.add("found");
  setTimeout(() => target?.classList.remove("found"), FOUND_MS);
}

/** Arrow keys walk the entries, Home and End go to the first loaded and the newest. */
function moveBetween(event: KeyboardEvent, toNewest: () => void): void {
  const box = event.currentTarget as HTMLElement;
  if (event.altKey || !(event.target as HTMLElement).matches("[data-entry], .flow")) return;
  const entries = [...box.querySelectorAll<HTMLElement>("[data-entry]")];
  const at = entries.indexOf(document.activeElement as HTMLElement);
  if (event.key === "Home") box.scrollTop = 0;
  if (event.key === "End") toNewest();
  const next = { ArrowUp: at < 0 ? entries.at(-1) : entries[at - 1], ArrowDown: entries[at + 1] }[event.key];
  if (event.key === "Home" || event.key === "End") {
    requestAnimationFrame(() => [...box.querySelectorAll<HTMLElement>("[data-entry]")].at(event.key === "Home" ? 0 : -1)?.focus());
  } else if (!next) return;
  event.preventDefault();
  next?.focus();
}
