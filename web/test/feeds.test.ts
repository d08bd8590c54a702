import { expect, test } from "vitest";
import { FeedBook } from "../src/client/feeds";
import type { EventFrame } from "../src/client/protocol";

const AGENT = "agent:1";
const LAYLA = "customer:7";

const frame = (feed: string, seq: number): EventFrame => ({
  type: "event", feed, seq, event: { kind: "receipt", entry: `${feed}/${seq}`, status: "sent", error: null },
});

function followed(): FeedBook {
  const book = new FeedBook();
  book.welcome("e1", { [AGENT]: 10 });
  book.snapshot(LAYLA, 5);
  return book;
}

test("a first connection resumes nothing", () => {
  expect(new FeedBook().resume()).toBeUndefined();
});

test("hello names the epoch and the last sequence of every followed feed", () => {
  const book = followed();
  book.receive(frame(AGENT, 11));
  book.receive(frame(LAYLA, 6));
  expect(book.resume()).toEqual({ epoch: "e1", resume: { [AGENT]: 11, [LAYLA]: 6 } });
});

test("the next event is applied, one seen before is old, one further on is a gap", () => {
  const book = followed();
  expect(book.receive(frame(LAYLA, 6))).toBe("apply");
  expect(book.receive(frame(LAYLA, 6))).toBe("old");
  expect(book.receive(frame(LAYLA, 8))).toBe("gap");
  expect(book.position(LAYLA)).toBe(6);
});

test("a gap does not move the position, so a resume asks for all that is missing", () => {
  const book = followed();
  book.receive(frame(AGENT, 13));
  expect(book.resume()?.resume[AGENT]).toBe(10);
});

test("events of a feed nobody follows are not applied", () => {
  expect(followed().receive(frame("customer:9", 1))).toBe("unfollowed");
});

test("events that came before their snapshot are applied on top of it", () => {
  const book = followed();
  book.receive(frame("customer:9", 4));
  book.receive(frame("customer:9", 5));
  const { after, behind } = book.snapshot("customer:9", 3);
  expect(after.map((each) => each.seq)).toEqual([4, 5]);
  expect(behind).toBe(false);
  expect(book.receive(frame("customer:9", 6))).toBe("apply");
});

test("a snapshot older than what was applied gets the newer events again", () => {
  const book = followed();
  for (const seq of [6, 7, 8]) book.receive(frame(LAYLA, seq));
  const { after, behind } = book.snapshot(LAYLA, 6);
  expect(after.map((each) => each.seq)).toEqual([7, 8]);
  expect(behind).toBe(false);
  expect(book.position(LAYLA)).toBe(8);
});

test("a snapshot too old to be completed says so", () => {
  const book = new FeedBook();
  book.welcome("e1", { [AGENT]: 0 });
  book.snapshot(LAYLA, 90);
  expect(book.snapshot(LAYLA, 80).behind).toBe(true);
});

test("a snapshot closes a gap with the frame that showed it", () => {
  const book = followed();
  book.receive(frame(LAYLA, 9));
  expect(book.snapshot(LAYLA, 8).after.map((each) => each.seq)).toEqual([9]);
  expect(book.position(LAYLA)).toBe(9);
});

test("after a resume the followed feeds go on where they were", () => {
  const book = followed();
  expect(book.welcome("e1", { [AGENT]: 10, [LAYLA]: 5 })).toEqual([]);
  expect(book.receive(frame(LAYLA, 6))).toBe("apply");
});

test("a feed the welcome leaves out, or starts later, is lost", () => {
  expect(followed().welcome("e1", { [AGENT]: 10 })).toEqual([LAYLA]);
  expect(followed().welcome("e1", { [AGENT]: 10, [LAYLA]: 6 })).toEqual([LAYLA]);
});

test("under another epoch every customer feed is lost and the agent feed starts anew", () => {
  const book = followed();
  expect(book.welcome("e2", { [AGENT]: 2, [LAYLA]: 5 })).toEqual([LAYLA]);
  expect(book.receive(frame(AGENT, 3))).toBe("apply");
  expect(book.receive(frame(LAYLA, 6))).toBe("gap");
});

test("what was left is not resumed", () => {
  const book = followed();
  book.forget(LAYLA);
  expect(book.resume()?.resume).toEqual({ [AGENT]: 10 });
});
