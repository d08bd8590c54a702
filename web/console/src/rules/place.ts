/** Where in a text of YAML the cursor stands. Works by the indent, so also while the text cannot be read. */
export interface Place {
  /** Names and list items (0) down to here. */
  path: (string | number)[];
  what: "name" | "value";
  /** What is written already of the word. */
  begun: string;
  /** Names beside it that are written already, with their values. */
  beside: Record<string, string>;
}

interface Line { dashes: number[]; column: number; key: string | null; value: string; blank: boolean }

const KEY = /^(?:"([^"]*)"|'([^']*)'|([^\s:#{}[\],"'][^:#{}[\],]*?))\s*:(?:\s+(.*))?$/;

function lineOf(text: string): Line {
  const dashes: number[] = [];
  let column = text.length - text.trimStart().length;
  let rest = text.slice(column);
  for (let dash = /^-(\s+|$)/.exec(rest); dash; dash = /^-(\s+|$)/.exec(rest)) {
    dashes.push(column);
    column += dash[0].length;
    rest = rest.slice(dash[0].length);
  }
  const found = KEY.exec(rest.trimEnd());
  const key = found ? (found[1] ?? found[2] ?? found[3] ?? null) : null;
  return { dashes, column, key, value: found ? (found[4] ?? "") : rest, blank: /^\s*(#.*)?$/.test(text) };
}

export function placeAt(text: string, at: number): Place | null {
  const lines = text.split("\n");
  const number = text.slice(0, at).split("\n").length - 1;
  const start = text.lastIndexOf("\n", at - 1) + 1;
  const before = text.slice(start, at);
  if (/(^|\s)#/.test(before.replaceAll(/(["']).*?\1/g, ""))) return null;
  const here = lineOf(before);
  const path = [...above(lines, number, here.dashes[0] ?? here.column, here.dashes.length > 0), ...here.dashes.map(() => 0)];
  const beside = besides(lines, number, here.column);
  if (here.key === null) return flow(here.value, path, "name", here.value, beside);
  return flow(here.value, [...path, here.key], "value", here.value, beside);
}

/** The path to a part at this column. */
function above(lines: string[], from: number, column: number, dashed: boolean): (string | number)[] {
  const path: (string | number)[] = [];
  let limit = column, inList = dashed;
  for (let number = from - 1; number >= 0 && (limit > 0 || inList); number -= 1) {
    const line = lineOf(lines[number]!);
    if (line.blank) continue;
    const opens = line.key !== null && (line.value === "" || line.value.startsWith("#"));
    if (opens && (line.column < limit || (inList && line.dashes.length === 0 && line.column === limit))) {
      path.unshift(line.key!);
      limit = line.column;
      inList = false;
    }
    if (line.dashes.length > 0 && line.column === limit && line.dashes[0]! < limit) {
      path.unshift(...line.dashes.map(() => 0));
      limit = line.dashes[0]!;
      inList = true;
    }
  }
  return path;
}

/** The names of the same map: up and down while the column stays. */
function besides(lines: string[], from: number, column: number): Record<string, string> {
  const found: Record<string, string> = {};
  const take = (line: Line): void => {
    if (line.key !== null) found[line.key] = line.value.replace(/\s+#.*$/, "").replaceAll(/^["']|["']$/g, "");
  };
  const first = lineOf(lines[from]!);
  for (let number = from - 1; number >= 0 && first.dashes.length === 0; number -= 1) {
    const line = lineOf(lines[number]!);
    if (line.blank || line.column > column) continue;
    if (line.column < column) break;
    take(line);
    if (line.dashes.length > 0) break;
  }
  for (let number = from + 1; number < lines.length; number += 1) {
    const line = lineOf(lines[number]!);
    if (line.blank || (line.column > column && (line.dashes[0] ?? line.column) > column)) continue;
    if (line.column !== column || line.dashes.length > 0) break;
    take(line);
  }
  return found;
}

/** Into lists and maps written on one line. */
function flow(value: string, path: (string | number)[], what: "name" | "value", begun: string, beside: Record<string, string>): Place {
  const at = [...path];
  const opened: { map: boolean; depth: number; beside: Record<string, string> }[] = [];
  let word = begun, kind = what, known = beside, quote = "";
  if (!/^[{[]/.test(value.trimStart())) return { path, what, begun: begun.trimStart(), beside };
  word = "";
  let key: string | null = null;
  for (const letter of value.trimStart()) {
    if (quote) {
      if (letter === quote) quote = "";
      else word += letter;
    } else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === "{" || letter === "[") {
      opened.push({ map: letter === "{", depth: at.length, beside: {} });
      if (letter === "[") at.push(0);
      kind = letter === "{" ? "name" : "value";
      word = "";
    } else if (letter === ":" && opened.at(-1)?.map) {
      key = word.trim();
      at.push(key);
      kind = "value";
      word = "";
    } else if (letter === "," || letter === "}" || letter === "]") {
      const inner = opened.at(-1);
      if (!inner) break;
      if (inner.map && at.length > inner.depth) inner.beside[String(at[inner.depth])] = word.trim();
      at.length = letter === "," && !inner.map ? inner.depth + 1 : inner.depth;
      if (letter === ",") kind = inner.map ? "name" : "value";
      else opened.pop();
      word = "";
    } else word += letter;
  }
  known = opened.at(-1)?.beside ?? beside;
  // Inside a list of words, what the list belongs to says which words.
  const map = opened.at(-1);
  if (map && !map.map) known = opened.at(-2)?.beside ?? beside;
  return { path: at, what: kind, begun: word.trimStart(), beside: known };
}
