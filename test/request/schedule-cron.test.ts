import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startTestGateway } from "#test/harness.ts";
import { watPlugin } from "#test/wat-plugin.ts";
import { eventually } from "./eventually.ts";
import { scrape, total } from "./metrics.ts";

const ticks = (rhythm: { every: string } | { cron: string }) =>
  watPlugin({ name: "ticks", hooks: { schedule: rhythm } }, { schedule: [] });

function start(t: TestContext, binding: object, plugin = ticks({ every: "90h" })) {
  const config = {
    gateway: { use: [{ plugin: "ticks", ...binding }] },
    services: { demo: { provider: "mock" } },
    routes: { demo: { match: { paths: ["/*"] }, service: "demo" } },
  };
  return startTestGateway(t, { config, plugins: { ticks: plugin } });
}

/** The clock of the process stands still until a test sets it; timers run. */
function holdClock(t: TestContext, at: string) {
  t.mock.timers.enable({ apis: ["Date"], now: Date.parse(at) });
  return (to: string) => t.mock.timers.setTime(Date.parse(to));
}

for (const [name, binding, rhythm, hour] of [
  ["a binding", { schedule: { cron: "0 5 * * *", timezone: "Europe/Berlin" } }, { every: "90h" }, 3],
  ["a binding in place of the manifest", { schedule: { cron: "0 4 * * *" } }, { cron: "0 7 * * *" }, 4],
  ["a manifest, in UTC", {}, { cron: "0 4 * * *" }, 4],
] as const) {
  test(`${name} says by cron when the hook runs`, { timeout: 60_000 }, async (t) => {
    const setClock = holdClock(t, `2026-07-01T0${hour - 1}:59:59.900Z`);
    const gateway = await start(t, binding, ticks(rhythm));
    const runs = async () =>
      total(await scrape(gateway), "sandgate_plugin_calls_total", { hook: "schedule" });
    assert.equal(await runs(), 0);
    setClock(`2026-07-01T0${hour}:00:02Z`);
    await eventually(runs, (count) => count === 1);
  });
}

for (const [name, schedule, message] of [
  ["a line of four fields", { cron: "0 3 * *" }, /schedule\.cron: must have five fields \(minute, hour/],
  ["an hour that there is not", { cron: "0 25 * * *" }, /schedule\.cron: its hour must be 0 to 23/],
  [
    "a day that there is not",
    { cron: "0 0 31 2 *" },
    /schedule\.cron: names days that none of its months has/,
  ],
  [
    "a zone that there is not",
    { cron: "0 3 * * *", timezone: "Berlin" },
    /schedule\.timezone: is no time zone/,
  ],
  ["a zone without cron", { every: "1h", timezone: "UTC" }, /schedule\.timezone: is for cron alone/],
  ["both", { every: "1h", cron: "0 3 * * *" }, /schedule: must have every or cron, and not both/],
  ["none", {}, /schedule: must have every or cron, and not both/],
  ["a number", { cron: 5 }, /schedule\.cron: must be text/],
] as const) {
  test(`a schedule of ${name} is a mistake of the config`, async (t) => {
    await assert.rejects(start(t, { schedule }), (thrown: Error) => {
      assert.match(thrown.message, message);
      assert.match(thrown.message, /gateway\.yaml:\d+:\d+ gateway\.use\.0\.schedule/);
      return true;
    });
  });
}

test("a line of a manifest that names no time is a mistake where it is bound, unless the binding says its own", async (t) => {
  const never = ticks({ cron: "0 0 31 2 *" });
  await assert.rejects(
    start(t, {}, never),
    /gateway\.use\.0\.schedule: the cron line "0 0 31 2 \*" in the manifest of "ticks" cannot be used: names days .*say schedule: /,
  );
  await start(t, { schedule: { every: "1h" } }, never);
});

test("a manifest whose line has not five fields is refused", async (t) => {
  await assert.rejects(start(t, {}, ticks({ cron: "@daily" })), /there is no plugin "ticks"/);
});
