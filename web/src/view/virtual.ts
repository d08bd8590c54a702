/** Which rows of a long list are drawn: those in view and a margin around them. Pure. */

/** Rows this far beyond the edges of the view are drawn too, and drawn anew when less than the second is left. */
export const MARGIN_PX = 900;
export const LEAST_PX = 300;

/** Rows `from` up to and without `to`. */
export interface Range { from: number; to: number }

/** The rows around one whose upper edge stands `top` px below the upper edge of the view. */
export function rangeAround(sizes: readonly number[], index: number, top: number, view: number, margin = MARGIN_PX): Range {
  let from = index;
  for (let edge = top; from > 0 && edge > -margin; edge -= sizes[from]!) from -= 1;
  let to = index;
  for (let edge = top; to < sizes.length && edge < view + margin; to += 1) edge += sizes[to]!;
  return { from, to };
}

export function covers(drawn: Range, needed: Range): boolean {
  return drawn.from <= needed.from && drawn.to >= needed.to;
}

export function total(sizes: readonly number[], from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at += 1) sum += sizes[at]!;
  return sum;
}

/** The row at a distance from the start, and where its upper edge is. */
export function rowAt(sizes: readonly number[], distance: number): { index: number; edge: number } {
  let edge = 0;
  let index = 0;
  while (index < sizes.length - 1 && edge + sizes[index]! <= distance) {
    edge += sizes[index]!;
    index += 1;
  }
  return { index, edge };
}
