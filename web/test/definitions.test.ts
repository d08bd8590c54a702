import { expect, test } from "vitest";
import { codesOf, type Disposition } from "../src/state/definitions";

const at = (id: string, parent: string | null = null): Disposition => ({ id, label: id.toUpperCase(), parent });

test("what has nothing below it can be chosen, with the labels above it", () => {
  expect(codesOf([at("a"), at("b", "a"), at("c", "b"), at("d", "a"), at("e")])).toEqual([
    { id: "c", label: "C", group: "A / B" },
    { id: "d", label: "D", group: "A" },
    { id: "e", label: "E", group: "" },
  ]);
  expect(codesOf([])).toEqual([]);
});
