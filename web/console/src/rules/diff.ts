/** What differs between two texts, line by line. */
export type Change = "same" | "add" | "del";
export interface DiffLine { change: Change; text: string }
export interface Hunk { lines: DiffLine[]; left: number; right: number }

/** The shortest way from one list of lines to the other (Myers). */
export function diffLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const same = (text: string): DiffLine => ({ change: "same", text });
  return [
    ...before.slice(0, head).map(same),
    ...shortest(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(same),
  ];
}

function shortest(a: readonly string[], b: readonly string[]): DiffLine[] {
  const trail: Map<number, number>[] = [];
  let ends = new Map<number, number>([[1, 0]]);
  const most = a.length + b.length;
  search: for (let steps = 0; steps <= most; steps += 1) {
    trail.push(new Map(ends));
    for (let k = -steps; k <= steps; k += 2) {
      const down = k === -steps || (k !== steps && (ends.get(k - 1) ?? -1) < (ends.get(k + 1) ?? -1));
      let x = down ? (ends.get(k + 1) ?? 0) : (ends.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      ends.set(k, x);
      if (x >= a.length && x - k >= b.length) break search;
    }
  }
  const lines: DiffLine[] = [];
  let x = a.length, y = b.length;
  for (let steps = trail.length - 1; steps >= 0 && (x > 0 || y > 0); steps -= 1) {
    ends = trail[steps]!;
    const k = x - y;
    const down = k === -steps || (k !== steps && (ends.get(k - 1) ?? -1) < (ends.get(k + 1) ?? -1));
    const fromK = down ? k + 1 : k - 1;
    const fromX = steps === 0 ? 0 : (ends.get(fromK) ?? 0), fromY = steps === 0 ? 0 : fromX - fromK;
    while (x > fromX && y > fromY) {
      x -= 1;
      y -= 1;
      lines.push({ change: "same", text: a[x]! });
    }
    if (steps === 0) break;
    if (down) lines.push({ change: "add", text: b[--y]! });
    else lines.push({ change: "del", text: a[--x]! });
  }
  return lines.reverse();
}

const AROUND = 3;

/** The parts that differ, with a few lines around each. */
export function hunks(lines: readonly DiffLine[]): Hunk[] {
  const found: Hunk[] = [];
  let left = 1, right = 1, quiet = Infinity;
  let open: Hunk | null = null;
  lines.forEach((line, index) => {
    const near = line.change !== "same" || lines.slice(index + 1, index + 1 + AROUND).some((each) => each.change !== "same");
    quiet = line.change === "same" ? quiet + 1 : 0;
    if (near || quiet <= AROUND) {
      if (!open) found.push(open = { lines: [], left, right });
      open.lines.push(line);
    } else open = null;
    if (line.change !== "add") left += 1;
    if (line.change !== "del") right += 1;
  });
  return found;
}
