import { describe, expect, it } from "vitest";
import { diffLines, hunks } from "../console/src/rules/diff";
import { placeAt } from "../console/src/rules/place";
import { namesAt, valuesAt, type Schemas } from "../console/src/rules/schema";
import { changed, insert, move, prune, put, read, rename, wrap } from "../console/src/rules/text";

const RULES = `# Whose work goes where.
rules:
  # The best come first.
  - name: VIP # known to sales
    when:
      all:
        # by tag, not by plan
        - field: tags
          has_any: [vip, gold] # gold is old
        - {field: channel, is: sms} # no calls
    queue: senior # two people
    priority: 5

  # Everybody else.
  - name: Rest
    queue: support
cases: [] # none yet
`;
const comments = (text: string) => [...text.matchAll(/#.*/g)].map(([comment]) => comment).sort();

describe("a change of the form", () => {
  it.each<[string, (document: Parameters<Parameters<typeof changed>[1]>[0]) => void, string]>([
    ["a queue", (document) => put(document, ["rules", 0, "queue"], "billing"), "    queue: billing # two people\n"],
    ["a part that was not there", (document) => put(document, ["rules", 1, "priority"], -3), "    queue: support\n    priority: -3\n"],
    ["a list", (document) => put(document, ["rules", 0, "when", "all", 0, "has_any"], ["gold", "new"]), "has_any: [gold, new] # gold is old\n"],
    ["an operator", (document) => rename(document, ["rules", 0, "when", "all", 0], "has_any", "has_all"), "has_all: [vip, gold] # gold is old\n"],
    ["a condition", (document) => wrap(document, ["rules", 0, "when"], "not"), "    when:\n      not:\n        all:\n"],
    ["one more condition", (document) => insert(document, ["rules", 0, "when", "all"], 2, { field: "known", is: true }), "        - field: known\n          is: true\n"],
    ["one more rule", (document) => insert(document, ["rules"], 2, { name: "Last", queue: "support" }), "\n  - name: Last\n    queue: support\ncases"],
    ["the order", (document) => move(document, ["rules"], 1, 0), "rules:\n  # Everybody else.\n  - name: Rest\n    queue: support\n\n  # The best come first.\n  - name: VIP # known to sales\n"],
  ])("changes %s and loses no comment", (_what, change, expected) => {
    const text = changed(RULES, change);
    expect(text).toContain(expected);
    expect(comments(text)).toEqual(comments(RULES));
    expect(read(text).fault).toBeNull();
  });

  it("leaves a text as it was where nothing changes", () => {
    expect(changed(RULES, () => undefined)).toBe(RULES);
    const tight = "rules:\n- name: A\n  when: {field: tags, has_any: [a]}\n  queue: b\n";
    expect(changed(tight, () => undefined)).toBe(tight);
  });

  it("takes away the groups that hold nothing without a condition", () => {
    const text = "rules:\n  - name: A\n    when:\n      all:\n        - not:\n            field: known\n            is: true\n    queue: b\n";
    expect(changed(text, (document) => prune(document, ["rules", 0, "when", "all", 0, "not"]))).toBe("rules:\n  - name: A\n    queue: b\n");
  });

  it("begins a list where there was none", () => {
    const text = changed("rules: []\n", (document) => insert(document, ["rules"], 0, { name: "A" }));
    expect(read(text).rules).toEqual([{ name: "A" }]);
    expect(text).toBe("rules:\n  - name: A\n");
  });
});

describe("the text", () => {
  it("says in which line it cannot be read", () => {
    expect(read("rules:\n  - name: [A\n    queue: b\n").fault?.line).toBeGreaterThan(1);
    expect(read("cases: []\n").fault?.message).toContain("rules:");
  });

  it("knows the lines of each rule", () => {
    expect(read(RULES).lines.map(([first]) => first)).toEqual([4, 15]);
  });
});

describe("the place of the cursor", () => {
  const at = (text: string) => placeAt(text.replace("|", ""), text.indexOf("|"));
  it.each<[string, (string | number)[], "name" | "value", string]>([
    ["rules:\n  - name: A\n    que|", ["rules", 0], "name", "que"],
    ["rules:\n  - name: A\n    queue: su|", ["rules", 0, "queue"], "value", "su"],
    ["rules:\n- name: A\n  when:\n    all:\n    - fie|", ["rules", 0, "when", "all", 0], "name", "fie"],
    ["rules:\n  - name: A\n    when:\n      field: |", ["rules", 0, "when", "field"], "value", ""],
    ["rules:\n  - name: A\n    when: {field: tags, has_any: [v|", ["rules", 0, "when", "has_any", 0], "value", "v"],
    ["rules:\n  - name: A\n    when: {field: tags, ha|", ["rules", 0, "when"], "name", "ha"],
    ["rules:\n  - name: A\n    skills:\n      fr|", ["rules", 0, "skills"], "name", "fr"],
    ["rules:\n  - name: A\n    steps:\n      - after: 60s\n        que|", ["rules", 0, "steps", 0], "name", "que"],
  ])("of %j", (text, path, what, begun) => {
    expect(at(text)).toMatchObject({ path, what, begun });
  });

  it("knows what is written beside it", () => {
    expect(at("rules:\n  - name: A\n    when:\n      field: tags\n      ha|")?.beside).toEqual({ field: "tags" });
    expect(at("rules:\n  - when: {field: tags, has_any: [v|")?.beside).toEqual({ field: "tags" });
  });

  it("is none in a comment", () => expect(at("rules: # que|")).toBeNull());
});

describe("the schema", () => {
  const all: Schemas = {
    Set: { properties: { rules: { type: "array", items: { $ref: "#/components/schemas/Rule" } } } },
    Rule: { properties: { close: { type: "boolean" }, when: { anyOf: [{ type: "null" }, { $ref: "#/components/schemas/Test" }] } } },
    Test: { properties: { not: { anyOf: [{ $ref: "#/components/schemas/Test" }, { type: "null" }] }, is: { enum: ["a"] } } },
  };
  it("names what may stand at a path", () => {
    expect(namesAt(all["Set"]!, all, ["rules", 0, "when", "not", "not"]).map((each) => each.label)).toEqual(["not", "is"]);
    expect(valuesAt(all["Set"]!, all, ["rules", 0, "close"]).map((each) => each.label)).toEqual(["true", "false"]);
  });
});

describe("a diff", () => {
  it("is the shortest, and made of both texts", () => {
    const before = "a b c d e f g h i j".split(" "), after = "a b x d e f g h i y j".split(" ");
    const lines = diffLines(before, after);
    expect(lines.filter((each) => each.change !== "add").map((each) => each.text)).toEqual(before);
    expect(lines.filter((each) => each.change !== "del").map((each) => each.text)).toEqual(after);
    expect(lines.filter((each) => each.change !== "same")).toHaveLength(3);
    expect(hunks(lines).map((each) => each.left)).toEqual([1]);
  });

  it.each([["", "a"], ["a", ""], ["a b", "b a"], ["a", "a"], ["a b c", "x y z"]])("holds of %j and %j", (one, other) => {
    const before = one.split(" "), after = other.split(" "), lines = diffLines(before, after);
    expect(lines.filter((each) => each.change !== "add").map((each) => each.text)).toEqual(before);
    expect(lines.filter((each) => each.change !== "del").map((each) => each.text)).toEqual(after);
  });
});
