import { expect, test } from "vitest";
import type { SlaClock } from "../src/client/protocol";
import { alertWords, dueWords, nextDue, span } from "../src/view/sla";

const NOW = Date.parse("2026-11-26T09:00:00Z");
const at = (minutes: number): string => new Date(NOW + minutes * 60_000).toISOString();
const clock = (more: Partial<SlaClock>): SlaClock => ({
  measure: "first_response", policy: "gold", due_at: null, warn_at: null, met_at: null, warned_at: null, breached_at: null, ...more,
});

test("what is due first of what runs is shown", () => {
  const resolution = clock({ measure: "resolution", due_at: at(200) });
  expect(nextDue([resolution, clock({ due_at: at(5) })])?.measure).toBe("first_response");
  expect(nextDue([resolution, clock({ met_at: at(-5) })])).toBe(resolution);
  expect(nextDue([clock({})])).toBeUndefined();
});

test("how long there is, when it gets tight, and when it is too late", () => {
  expect(dueWords(clock({ due_at: at(185) }), NOW)).toMatchObject({ words: "Answer due in 3 h 5 min", tone: "" });
  expect(dueWords(clock({ due_at: at(30), warn_at: at(-1) }), NOW)).toMatchObject({ words: "Answer due in 30 min", tone: "warn" });
  expect(dueWords(clock({ due_at: at(9) }), NOW)?.tone).toBe("warn");
  expect(dueWords(clock({ measure: "resolution", due_at: at(-0.75) }), NOW)).toMatchObject({ words: "Resolution overdue 45 s", tone: "danger" });
  expect(dueWords(clock({}), NOW)).toBeUndefined();
  expect(span(52 * 3_600_000)).toBe("2 d 4 h");
});

test("an alert names the customer, if one is known", () => {
  const alert = { contact: "c", conversation: "k", customer: "u", customer_name: null, measure: "first_response", what: "breach", due_at: at(0) } as const;
  expect(alertWords(alert)).toBe("A customer: answer overdue");
  expect(alertWords({ ...alert, customer_name: "Ana", measure: "resolution", what: "warning" })).toBe("Ana: resolution due soon");
});
