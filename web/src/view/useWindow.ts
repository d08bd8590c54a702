/** A scrolled list of which only the rows near the view are drawn. It keeps its place when rows come, go or change height. */
import type { RefObject } from "preact";
import { useLayoutEffect, useReducer, useRef } from "preact/hooks";
import type { Id } from "../client/protocol";
import { guess, holds, type Row } from "./rows";
import { LEAST_PX, covers, rangeAround, rowAt, total, type Range } from "./virtual";

/** What stays where it is: the end, or an entry at a distance from the upper edge of the view. */
export type Place = "end" | { entry: Id; top: number };

/** Rows that take their real height may uncover others; after so many rounds a row that never rests is left alone. */
const MOST_ROUNDS = 12;
const UNKNOWN_VIEW_PX = 800;

export interface Window {
  range: Range;
  /** The day that holds the first drawn row, where its own row is not drawn. */
  day: number;
  /** Heights of what is not drawn: before the day, between it and the first row, after the last. */
  before: number;
  between: number;
  after: number;
  place: RefObject<Place>;
  /** The view was scrolled by hand to a place that is not the end. */
  scrolled(): void;
  go(place: Place): void;
}

export function useWindow(rows: readonly Row[], box: RefObject<HTMLDivElement | null>): Window {
  const heights = useRef(new Map<string, number>());
  const place = useRef<Place>("end");
  const rounds = useRef(0);
  const [, again] = useReducer((count: number) => count + 1, 0);
  const { current: kept } = place;
  if (kept !== "end" && !rows.some((row) => holds(row, kept.entry))) place.current = "end";
  const sizes = rows.map((row) => heights.current.get(row.key) ?? guess(row));
  const view = box.current?.clientHeight ?? UNKNOWN_VIEW_PX;
  const range = around(rows, sizes, place.current, view);
  const day = rows[range.from]?.type === "day" ? -1 : rows.findLastIndex((row, at) => at < range.from && row.type === "day");

  const settle = (): void => {
    const found = box.current!;
    const grown = measure(found, heights.current);
    stand(found, place.current);
    if (!grown || rounds.current >= MOST_ROUNDS) return;
    rounds.current += 1;
    again(0);
  };
  useLayoutEffect(settle);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(() => {
      rounds.current = 0;
      if (box.current) settleNow.current();
    });
    watch.observe(box.current!);
    watch.observe(box.current!.firstElementChild!);
    return () => watch.disconnect();
  }, []);
  const settleNow = useRef(settle);
  settleNow.current = settle;

  return {
    range, day, place,
    before: total(sizes, 0, day < 0 ? range.from : day),
    between: day < 0 ? 0 : total(sizes, day + 1, range.from),
    after: total(sizes, range.to, sizes.length),
    scrolled() {
      rounds.current = 0;
      const found = box.current!;
      place.current = firstVisible(found) ?? byDistance(rows, sizes, found.scrollTop);
      if (!covers(range, around(rows, sizes, place.current, found.clientHeight, LEAST_PX))) again(0);
    },
    go(next) {
      rounds.current = 0;
      place.current = next;
      again(0);
    },
  };
}

function around(rows: readonly Row[], sizes: readonly number[], place: Place, view: number, margin?: number): Range {
  const index = place === "end" ? -1 : rows.findIndex((row) => holds(row, place.entry));
  if (place === "end" || index < 0) return rangeAround(sizes, sizes.length, view, view, margin);
  return rangeAround(sizes, index, place.top, view, margin);
}

/** Remember how high the drawn rows are. True when one is not as high as was thought. */
function measure(box: HTMLElement, heights: Map<string, number>): boolean {
  let changed = false;
  for (const row of box.querySelectorAll<HTMLElement>("[data-row]")) {
    const height = row.getBoundingClientRect().height;
    if (Math.abs((heights.get(row.dataset["row"]!) ?? 0) - height) < 0.5) continue;
    heights.set(row.dataset["row"]!, height);
    changed = true;
  }
  return changed;
}

function stand(box: HTMLElement, place: Place): void {
  if (place === "end") {
    box.scrollTop = box.scrollHeight;
    return;
  }
  const entry = box.querySelector(`[data-entry="${place.entry}"]`);
  if (entry) box.scrollTop += entry.getBoundingClientRect().top - box.getBoundingClientRect().top - place.top;
}

function firstVisible(box: HTMLElement): Place | null {
  const { top, bottom } = box.getBoundingClientRect();
  for (const entry of box.querySelectorAll<HTMLElement>("[data-entry]")) {
    const at = entry.getBoundingClientRect();
    if (at.bottom > top && at.top < bottom) return { entry: entry.dataset["entry"]!, top: at.top - top };
  }
  return null;
}

/** The scroll bar was drawn to where nothing is drawn yet. */
function byDistance(rows: readonly Row[], sizes: readonly number[], distance: number): Place {
  const { index, edge } = rowAt(sizes, distance);
  let top = edge - distance;
  for (let at = index; at < rows.length; at += 1) {
    const row = rows[at]!;
    if (row.type === "line") return { entry: row.entry.id, top };
    if (row.type === "group") return { entry: row.entries[0]!.id, top };
    top += sizes[at]!;
  }
  return "end";
}
