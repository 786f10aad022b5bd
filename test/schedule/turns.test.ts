import assert from "node:assert/strict";
import { test } from "node:test";
import { createTurns, type Turns } from "#host/turns.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** A clock that a test moves. `set` changes what the wall says alone. */
function clockAt(at: string) {
  let monotonicMs = 5_000;
  let wallMs = Date.parse(at);
  return {
    wallMs: () => wallMs,
    monotonicMs: () => monotonicMs,
    random: () => 0.5,
    pass(ms: number) {
      monotonicMs += ms;
      wallMs += ms;
    },
    set(to: string) {
      wallMs = Date.parse(to);
    },
  };
}

type TestClock = ReturnType<typeof clockAt>;

/** Sleeps as a timer would for so long, and says when it ran: by the wall, without parts of a second. */
function runsWithin(turns: Turns, clock: TestClock, ms: number): string[] {
  const runs: string[] = [];
  let leftMs = ms;
  while (leftMs > 0) {
    const sleepMs = Math.min(turns.sleepMs() ?? leftMs, leftMs);
    clock.pass(sleepMs);
    leftMs -= sleepMs;
    if (turns.take()) runs.push(new Date(clock.wallMs()).toISOString().slice(11, 19));
  }
  return runs;
}

test("every so long: soon, and then so long apart, each a little late", () => {
  const clock = clockAt("2026-11-26T10:00:00Z");
  const turns = createTurns({ every: "1m" }, clock);
  assert.deepEqual(runsWithin(turns, clock, 4 * minute), ["10:00:03", "10:01:03", "10:02:03", "10:03:03"]);
});

test("every so long: the clock on the wall has no say", () => {
  const clock = clockAt("2026-11-26T10:00:00Z");
  const turns = createTurns({ every: "1m" }, clock);
  runsWithin(turns, clock, 5 * second);
  clock.set("2027-11-26T10:00:00Z");
  assert.equal(turns.take(), false);
  clock.set("2020-11-26T10:00:00Z");
  assert.deepEqual(runsWithin(turns, clock, 2 * minute), ["10:00:58", "10:01:58"]);
});

test("every so long: what was missed is not made up for", () => {
  const clock = clockAt("2026-11-26T10:00:00Z");
  const turns = createTurns({ every: "1m" }, clock);
  runsWithin(turns, clock, 5 * second);
  clock.pass(3 * hour);
  assert.equal(turns.take(), true);
  assert.equal(turns.take(), false);
  assert.deepEqual(runsWithin(turns, clock, minute), []);
  assert.equal(runsWithin(turns, clock, minute).length, 1);
});

test("a manifest that asks for too often gets what is allowed", () => {
  const clock = clockAt("2026-11-26T10:00:00Z");
  assert.equal(runsWithin(createTurns({ every: "0ms" }, clock), clock, second).length, 10);
});

test("longer than a timer can sleep", () => {
  const clock = clockAt("2026-01-01T00:00:00Z");
  const turns = createTurns({ every: "1000h" }, clock);
  runsWithin(turns, clock, minute);
  assert.ok((turns.sleepMs() ?? 0) <= 2 ** 31 - 1);
  assert.equal(runsWithin(turns, clock, 999 * hour).length, 0);
  assert.equal(runsWithin(turns, clock, 100 * hour).length, 1);
});

test("by cron: at its times, not at the start", () => {
  const clock = clockAt("2026-11-26T10:00:00Z");
  const turns = createTurns({ cron: "*/15 * * * *", timezone: "UTC" }, clock);
  assert.equal(turns.next()?.toISOString(), "2026-11-26T10:15:00.500Z");
  assert.deepEqual(runsWithin(turns, clock, hour), ["10:15:00", "10:30:00", "10:45:00"]);
});

test("by cron: in its time zone, where a day has 23 hours and one 25", () => {
  const rhythm = { cron: "0 12 * * *", timezone: "Europe/Berlin" };
  for (const [at, runs] of [
    ["2026-03-27T12:00:00Z", ["11:00:00", "10:00:00", "10:00:00"]],
    ["2026-10-23T12:00:00Z", ["10:00:00", "11:00:00", "11:00:00"]],
  ] as const) {
    const clock = clockAt(at);
    assert.deepEqual(runsWithin(createTurns(rhythm, clock), clock, 72 * hour), runs);
  }
});

test("by cron: a clock that is set forward, or a machine that has slept, makes one run of all that was missed", () => {
  const clock = clockAt("2026-11-26T10:00:00Z");
  const turns = createTurns({ cron: "*/15 * * * *", timezone: "UTC" }, clock);
  clock.set("2026-11-29T07:32:00Z");
  assert.deepEqual(runsWithin(turns, clock, 20 * minute), ["07:32:00", "07:45:00"]);
});

test("by cron: a clock that is set back a little repeats nothing", () => {
  const clock = clockAt("2026-11-26T09:59:00Z");
  const turns = createTurns({ cron: "*/15 * * * *", timezone: "UTC" }, clock);
  assert.equal(runsWithin(turns, clock, 2 * minute).length, 1);
  clock.set("2026-11-26T09:50:00Z");
  assert.deepEqual(runsWithin(turns, clock, 26 * minute), ["10:15:00"]);
});

test("by cron: a clock that was far ahead is followed when it is set right", () => {
  const clock = clockAt("2031-01-01T09:59:00Z");
  const turns = createTurns({ cron: "*/15 * * * *", timezone: "UTC" }, clock);
  assert.equal(runsWithin(turns, clock, 2 * minute).length, 1);
  clock.set("2026-11-26T09:50:00Z");
  assert.deepEqual(runsWithin(turns, clock, 26 * minute), ["10:00:00", "10:15:00"]);
});

test("by cron: set back before it has ever run, it comes with the first time that there is", () => {
  const clock = clockAt("2026-11-26T10:00:00Z");
  const turns = createTurns({ cron: "0 12 * * *", timezone: "UTC" }, clock);
  clock.set("2026-11-20T11:59:00Z");
  assert.deepEqual(runsWithin(turns, clock, 2 * minute), ["12:00:00"]);
});

test("by cron: years ahead", () => {
  const clock = clockAt("2097-01-01T00:00:00Z");
  const turns = createTurns({ cron: "0 0 29 2 *", timezone: "UTC" }, clock);
  assert.equal(turns.next()?.toISOString(), "2104-02-29T00:00:00.500Z");
  assert.ok((turns.sleepMs() ?? 0) <= 2 ** 31 - 1);
});
