import { expect, test } from "vitest";
import { backoff } from "../src/client/backoff";
import { ServerClock } from "../src/client/clock";
import { verdict } from "../src/client/close";
import { Lost, Refused, Requests } from "../src/client/requests";
import type { ClientFrame } from "../src/client/protocol";
import { segments } from "../src/client/segments";

test("the wait is anything from zero to a step that doubles up to its cap", () => {
  expect(backoff(0, () => 0)).toBe(0);
  expect(backoff(0, () => 1)).toBe(500);
  expect(backoff(3, () => 1)).toBe(4_000);
  expect(backoff(3, () => 0.5)).toBe(2_000);
  expect(backoff(60, () => 1)).toBe(30_000);
});

test.each([1000, 1001, 1005, 1006, 1012, 4500, 4508, 4999])("close code %i reconnects", (code) => {
  expect(verdict(code, "").reconnect).toBe(true);
});

test.each([4000, 4003, 4499])("close code %i does not, and says why", (code) => {
  expect(verdict(code, "signed_in_elsewhere")).toEqual({ reconnect: false, signedOut: false, why: "Signed in elsewhere." });
  expect(verdict(code, "")).toEqual({ reconnect: false, signedOut: false, why: `The server closed this screen (code ${code}).` });
});

test("a withdrawn token leads back to the sign-in", () => {
  expect(verdict(4401, "signed_out")).toMatchObject({ reconnect: false, signedOut: true });
});

test("countdowns follow the server's clock", () => {
  const clock = new ServerClock();
  clock.set("2026-01-01T12:00:10Z", Date.parse("2026-01-01T12:00:00Z"));
  expect(clock.left("2026-01-01T12:00:30Z", Date.parse("2026-01-01T12:00:05Z"))).toBe(15_000);
  expect(clock.left("2026-01-01T12:00:00Z", Date.parse("2026-01-01T12:00:05Z"))).toBe(0);
});

test.each([
  ["", "GSM-7", 0, 0],
  ["a".repeat(160), "GSM-7", 160, 1],
  ["a".repeat(161), "GSM-7", 161, 2],
  ["a".repeat(306), "GSM-7", 306, 2],
  ["a".repeat(307), "GSM-7", 307, 3],
  ["€".repeat(80), "GSM-7", 160, 1],
  ["Grüße, señor", "GSM-7", 12, 1],
  ["صباح", "UCS-2", 4, 1],
  ["ż".repeat(70), "UCS-2", 70, 1],
  ["ż".repeat(71), "UCS-2", 71, 2],
  ["😀".repeat(35), "UCS-2", 70, 1],
  ["“quoted”", "UCS-2", 8, 1],
] as const)("segments of %j", (text, encoding, units, parts) => {
  expect(segments(text)).toMatchObject({ encoding, units, segments: parts });
});

test("an escape pair and a surrogate pair are never cut in two", () => {
  expect(segments("a".repeat(152) + "€" + "a".repeat(152)).segments).toBe(3);
  expect(segments("ż".repeat(66) + "😀" + "ż".repeat(66)).segments).toBe(3);
});

const sent: ClientFrame[] = [];
const send = (frame: ClientFrame): boolean => sent.push(frame) > 0;

test("an answer finds the frame that asked by its ref", async () => {
  const requests = new Requests();
  const asked = requests.ask({ type: "finish", contact: "c" }, send);
  const ref = sent.at(-1)!.ref!;
  requests.settle({ type: "result", ref: "another" });
  requests.settle({ type: "result", ref, entry: null });
  await expect(asked).resolves.toMatchObject({ ref });
});

test("an error refuses with its code and message", async () => {
  const requests = new Requests();
  const asked = requests.ask({ type: "accept", offer: "o", ref: "mine" }, send);
  requests.settle({ type: "error", code: "gone", message: "Taken.", ref: "mine" });
  await expect(asked).rejects.toBeInstanceOf(Refused);
});

test("a broken connection leaves what was asked unknown", async () => {
  const requests = new Requests();
  const asked = requests.ask({ type: "accept", offer: "o" }, send);
  requests.lose();
  await expect(asked).rejects.toBeInstanceOf(Lost);
  await expect(requests.ask({ type: "accept", offer: "o" }, () => false)).rejects.toBeInstanceOf(Lost);
});
