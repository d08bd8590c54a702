import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Entry, TypingFrame } from "../src/client/protocol";
import { heardTyping, typists, wrote } from "../src/state/typists";

const frame = (more: Partial<TypingFrame> = {}): TypingFrame => ({
  type: "typing", customer: "u", conversation: "k", channel: "chat", agent: null, note: false, ...more,
});
const entry = (more: Partial<Entry>): Entry => ({ direction: "in", author: null, ...more }) as Entry;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
});
afterEach(() => {
  vi.runAllTimers();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("a mark ends by itself, later when it is said again", () => {
  heardTyping(frame());
  vi.advanceTimersByTime(5_000);
  heardTyping(frame());
  vi.advanceTimersByTime(5_000);
  expect(typists.value).toEqual([{ customer: "u", agent: null, note: false }]);
  vi.advanceTimersByTime(1_001);
  expect(typists.value).toEqual([]);
});

test("a line ends the mark of its author and nobody else's", () => {
  heardTyping(frame());
  heardTyping(frame({ agent: "a" }));
  heardTyping(frame({ agent: "b", note: true }));
  heardTyping(frame({ customer: "v" }));
  wrote("u", entry({ direction: "out", author: { id: "a", name: "Ada" } }));
  expect(typists.value.map(({ customer, agent }) => [customer, agent])).toEqual([["u", null], ["u", "b"], ["v", null]]);
  wrote("u", entry({}));
  wrote("u", entry({ direction: null, author: { id: "b", name: "Bo" } }));
  expect(typists.value.map(({ customer }) => customer)).toEqual(["v"]);
});
