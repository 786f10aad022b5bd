import assert from "node:assert/strict";
import { test } from "node:test";
import { cronProblem, isTimezone, nextCronMs } from "#config/cron.ts";

const next = (cron: string, after: string, timezone = "UTC") => {
  const ms = nextCronMs({ cron, timezone }, Date.parse(after));
  return ms === null ? null : new Date(ms).toISOString().replace(":00.000Z", "Z");
};

for (const [cron, after, due] of [
  ["* * * * *", "2026-11-26T10:00:00Z", "2026-11-26T10:01Z"],
  ["* * * * *", "2026-11-26T10:00:59.999Z", "2026-11-26T10:01Z"],
  ["*/20 8-9 * * *", "2026-11-26T09:41:00Z", "2026-11-27T08:00Z"],
  ["5 4 * * MON-FRI", "2026-11-27T12:00:00Z", "2026-11-30T04:05Z"],
  ["0 0 * * 7", "2026-11-26T10:00:00Z", "2026-11-29T00:00Z"],
  ["0 0 1 jan,JUL *", "2026-11-26T10:00:00Z", "2027-01-01T00:00Z"],
  ["0 0 1-9/4 * *", "2026-11-26T10:00:00Z", "2026-12-01T00:00Z"],
  ["0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00Z"],
  // Where the day of the month and that of the week are both given, one is enough.
  ["0 0 13 * FRI", "2026-11-26T10:00:00Z", "2026-11-27T00:00Z"],
  ["0 0 31 2 MON", "2026-11-26T10:00:00Z", "2027-02-01T00:00Z"],
] as const) {
  test(`${cron} after ${after}`, () => {
    assert.equal(cronProblem(cron), null);
    assert.equal(next(cron, after), due);
  });
}

for (const [what, cron, after, timezone, due] of [
  ["a zone", "0 3 * * *", "2026-11-26T10:00:00Z", "Asia/Kathmandu", "2026-11-26T21:15Z"],
  ["a zone by its distance", "0 3 * * *", "2026-11-26T10:00:00Z", "+05:30", "2026-11-26T21:30Z"],
  [
    "a fixed time that is left out",
    "30 2 * * *",
    "2026-03-28T12:00:00Z",
    "Europe/Berlin",
    "2026-03-29T01:00Z",
  ],
  ["others that are left out", "*/30 2 * * *", "2026-03-28T12:00:00Z", "Europe/Berlin", "2026-03-30T00:00Z"],
  [
    "a fixed time that comes twice",
    "30 2 * * *",
    "2026-10-25T00:30:00Z",
    "Europe/Berlin",
    "2026-10-26T01:30Z",
  ],
  ["others that come twice", "30 * * * *", "2026-10-25T00:30:00Z", "Europe/Berlin", "2026-10-25T01:30Z"],
  ["half an hour", "*/15 * * * *", "2026-10-03T15:15:00Z", "Australia/Lord_Howe", "2026-10-03T15:30Z"],
] as const) {
  test(`changes of the clock: ${what}`, () => {
    assert.equal(next(cron, after, timezone), due);
  });
}

const ofAll = { minute: 0, hour: 1, "day of the month": 2, month: 3, "day of the week": 4 } as const;

for (const [name, parts] of Object.entries({
  minute: [
    "60",
    "-1",
    "1,,2",
    "1-",
    "5-1",
    "*/0",
    "*/61",
    "1/2",
    "**",
    "@",
    "1.5",
    "0-99999999999999999999",
    "SUN",
  ],
  hour: ["24", "1:30", "?", "٣"],
  "day of the month": ["0", "32", "L", "15W", "LW"],
  month: ["0", "13", "JANFEB", "JANUARY", "MON"],
  "day of the week": ["8", "5L", "MON#2", "+MON", "MAY", ",", "SUNDAY"],
})) {
  for (const part of parts) {
    test(`${part} is no ${name}`, () => {
      const line = ["*", "*", "*", "*", "*"].with(ofAll[name as keyof typeof ofAll], part).join(" ");
      const problem = cronProblem(line) ?? "";
      assert.ok(problem.startsWith(`its ${name} must be `), problem);
    });
  }
}

for (const line of [
  "",
  "* * * *",
  "* * * * * *",
  "0 * * * * * 2027",
  " * * * * *",
  "*\t*\t*\t*\t*",
  "@daily",
  "2030-01-01T00:00:00",
  `${"0,".repeat(60)}0 * * * *`,
  `${"* ".repeat(1_000_000)}*`,
]) {
  test(`"${line.slice(0, 24)}" has not five fields`, () => {
    assert.match(cronProblem(line) ?? "", /must have five fields/);
  });
}

for (const line of ["0 0 30 2 *", "* * 31 2,4,6,9,11 *", "0 0 30-31 FEB *"]) {
  test(`${line} would never run`, () => {
    assert.match(cronProblem(line) ?? "", /would never run/);
  });
}

test("a time zone is one that there is", () => {
  for (const name of ["UTC", "Europe/Berlin", "america/new_york", "+05:30"])
    assert.ok(isTimezone(name), name);
  for (const name of ["", "Berlin", "GMT+1", "Europe/Berlin ", "__proto__"])
    assert.ok(!isTimezone(name), name);
});
