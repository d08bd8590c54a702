/** The rules as a text in YAML, changed by path: what a change does not touch stays as it was written, comments too. */
import { Document, LineCounter, YAMLMap, YAMLSeq, isMap, isNode, isScalar, isSeq, parseDocument, type Node, type Pair } from "yaml";

export type Path = readonly (string | number)[];
export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };
export type PlainMap = { [key: string]: Plain };

export interface Fault { message: string; line: number }

export interface Read {
  /** Null while the text cannot be read. */
  rules: PlainMap[] | null;
  fault: Fault | null;
  /** First and last line of each rule, from 1. */
  lines: [number, number][];
}

const isPlainMap = (value: unknown): value is PlainMap => typeof value === "object" && value !== null && !Array.isArray(value);

export function read(text: string): Read {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const error = document.errors[0];
  if (error) return { rules: null, fault: { message: error.message, line: lines.linePos(error.pos[0]).line }, lines: [] };
  const value: unknown = document.toJS();
  const rules = isPlainMap(value) ? value["rules"] : null;
  if (!Array.isArray(rules) || !rules.every(isPlainMap)) {
    return { rules: null, fault: { message: "Begin with `rules:` and a list of rules, each with a name.", line: 1 }, lines: [] };
  }
  const found = document.get("rules", true);
  const items = isSeq(found) ? found.items : [];
  const ranges = items.map((each): [number, number] => {
    const range = isNode(each) ? each.range : null;
    return range ? [lines.linePos(range[0]).line, lines.linePos(Math.max(range[0], range[1] - 1)).line] : [1, 1];
  });
  return { rules, fault: null, lines: ranges };
}

/** A text that says what these values say. */
export const written = (value: unknown): string => String(new Document(value, { aliasDuplicateObjects: false }).toString({ lineWidth: 0 }));

/** The text after a change. Raises what keeps the text from being read. */
export function changed(text: string, change: (document: Document) => void): string {
  const document = parseDocument(text, { prettyErrors: false });
  if (document.errors[0]) throw document.errors[0];
  change(document as unknown as Document);
  return document.toString({ lineWidth: 0, ...styleOf(text) });
}

/** How the author writes, so that the rest of the text stays the same. */
function styleOf(text: string): { indentSeq: boolean; flowCollectionPadding: boolean } {
  return { indentSeq: !/^[\w"']+:[^\S\n]*(#.*)?\n(\s*#.*\n|\s*\n)*- /m.test(text), flowCollectionPadding: !/[{[][^\s}\]]/.test(text.replaceAll(/(["']).*?\1|#.*/g, "")) };
}

/** Set a value; undefined takes it away. What is there and stays equal keeps its node, with its comments. */
export function put(document: Document, path: Path, value: Plain | undefined): void {
  if (value === undefined) {
    document.deleteIn(path);
    return;
  }
  const there = document.getIn(path, true);
  if (isNode(there) && reconcile(document, there, value)) return;
  document.setIn(path, nodeOf(document, value));
}

/** True when the node could become this value. */
function reconcile(document: Document, node: Node, value: Plain): boolean {
  if (isScalar(node) && (value === null || typeof value !== "object")) {
    if (node.value !== value) {
      node.value = value;
      delete node.source;
    }
    return true;
  }
  if (isSeq(node) && Array.isArray(value)) {
    const left = [...node.items];
    node.items = value.map((each, index) => {
      const same = left.findIndex((item) => item !== undefined && isScalar(item) && item.value === each);
      const place = same >= 0 ? same : index;
      const old = left[place];
      if (isNode(old) && (same >= 0 || !isScalar(old)) && reconcile(document, old, each)) {
        left[place] = undefined;
        return old;
      }
      return nodeOf(document, each);
    });
    return true;
  }
  if (isMap(node) && isPlainMap(value)) {
    for (const pair of [...node.items]) if (!(keyOf(pair) in value)) node.delete(pair.key);
    for (const [key, each] of Object.entries(value)) {
      const old = node.get(key, true);
      if (!(isNode(old) && reconcile(document, old as Node, each))) node.set(key, nodeOf(document, each));
    }
    return true;
  }
  return false;
}

const keyOf = (pair: Pair<unknown, unknown>): string => String(isScalar(pair.key) ? pair.key.value : pair.key);

/** Short lists of words stand on one line. */
function nodeOf(document: Document, value: Plain): Node {
  const node = document.createNode(value, { aliasDuplicateObjects: false }) as Node;
  if (isSeq(node) && node.items.every((each) => isScalar(each))) node.flow = true;
  return node;
}

/** Give a part another name where it stands. */
export function rename(document: Document, path: Path, from: string, to: string): void {
  const map = document.getIn(path, true);
  const pair = isMap(map) ? map.items.find((each) => keyOf(each) === from) : undefined;
  if (!pair) return;
  if (isScalar(pair.key)) pair.key.value = to;
  else pair.key = document.createNode(to);
}

function sequenceAt(document: Document, path: Path): YAMLSeq {
  const there = document.getIn(path, true);
  if (isSeq(there)) return there;
  const made = new YAMLSeq();
  document.setIn(path, made);
  return made;
}

/** What stands above the first of a list is about the first, so it moves with it. */
function comment(list: YAMLSeq): void {
  const first = list.items[0];
  if (list.commentBefore && isNode(first) && !first.commentBefore) {
    first.commentBefore = list.commentBefore;
    delete list.commentBefore;
  }
}

/** Blank lines between the items, if there were any. */
function respace(list: YAMLSeq, spaced: boolean): void {
  list.items.forEach((each, index) => {
    if (isNode(each)) each.spaceBefore = spaced && index > 0;
  });
}

const isSpaced = (list: YAMLSeq): boolean => list.items.some((each) => isNode(each) && each.spaceBefore === true);

export function move(document: Document, path: Path, from: number, to: number): void {
  const list = sequenceAt(document, path);
  const spaced = isSpaced(list);
  comment(list);
  const [item] = list.items.splice(from, 1);
  list.items.splice(to, 0, item);
  respace(list, spaced);
}

export function insert(document: Document, path: Path, at: number, value: Plain): void {
  const list = sequenceAt(document, path);
  const spaced = isSpaced(list);
  // An empty list is written as []; what is added stands on lines of its own.
  if (typeof value === "object") list.flow = false;
  list.items.splice(at, 0, nodeOf(document, value));
  if (spaced) respace(list, spaced);
}

/** Put what stands at a path into a new map under `key`, in a list with another where one is given. */
export function wrap(document: Document, path: Path, key: "all" | "any" | "not", other?: Plain): void {
  const inner = document.getIn(path, true) as Node;
  const outer = new YAMLMap();
  if (key === "not") outer.set("not", inner);
  else {
    const list = new YAMLSeq();
    list.items.push(inner, ...(other === undefined ? [] : [nodeOf(document, other)]));
    outer.set(key, list);
  }
  document.setIn(path, outer);
}

/** Take a part of a condition away, and the groups that hold nothing without it. */
export function prune(document: Document, path: Path): void {
  const end = path.lastIndexOf("when");
  let at = path;
  for (;;) {
    document.deleteIn(at);
    const above = at.slice(0, -1);
    if (above.length <= end) return;
    const left = document.getIn(above, true);
    if ((isSeq(left) || isMap(left)) && left.items.length > 0) return;
    at = above;
  }
}
