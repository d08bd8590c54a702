import { expect, test } from "vitest";
import { covers, rangeAround, rowAt, total } from "../src/view/virtual";

const sizes = Array.from({ length: 1000 }, () => 50);

test("at the end the last rows are drawn, a view and a margin of them", () => {
  expect(rangeAround(sizes, 1000, 600, 600, 100)).toEqual({ from: 986, to: 1000 });
});

test("around a row what is in view and the margins on both sides are drawn", () => {
  expect(rangeAround(sizes, 500, 0, 600, 100)).toEqual({ from: 498, to: 514 });
  expect(rangeAround(sizes, 500, -25, 600, 100)).toEqual({ from: 498, to: 515 });
});

test("at the start there is nothing before it", () => {
  expect(rangeAround(sizes, 0, 0, 600, 100)).toEqual({ from: 0, to: 14 });
  expect(rangeAround([], 0, 0, 600)).toEqual({ from: 0, to: 0 });
});

test("what is drawn covers what is needed, or not", () => {
  expect(covers({ from: 2, to: 9 }, { from: 3, to: 9 })).toBe(true);
  expect(covers({ from: 4, to: 9 }, { from: 3, to: 9 })).toBe(false);
});

test("heights add up, and a distance finds its row", () => {
  expect(total(sizes, 10, 20)).toBe(500);
  expect(rowAt(sizes, 0)).toEqual({ index: 0, edge: 0 });
  expect(rowAt(sizes, 120)).toEqual({ index: 2, edge: 100 });
  expect(rowAt(sizes, 1e9)).toEqual({ index: 999, edge: 49_950 });
});
