import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { type FakeUpstream, startFakeUpstream } from "#test/fake-upstream/fake-upstream.ts";
import { startTestGateway, type TestGateway } from "#test/harness.ts";
import { chat, paths } from "./bench.ts";
import { eventually } from "./eventually.ts";
import { scrape, total } from "./metrics.ts";

const plugins = {
  "health-check": await readFile(new URL("../../plugins/health-check.wasm", import.meta.url)),
};

async function openUpstreams(t: TestContext) {
  const sick = await startFakeUpstream();
  const well = await startFakeUpstream();
  t.after(() => Promise.all([sick.close(), well.close()]));
  await sick.play({ answer: "error-500" });
  const probe = (binding: object) => ({
    plugin: "health-check",
    grants: { http: [sick, well].map(({ url }) => new URL(url).host) },
    ...binding,
  });
  const configOf = (use: readonly object[], { name = "both", path = "/v1" } = {}) => ({
    services: {
      [name]: {
        provider: "openai",
        targets: [
          { url: `${sick.url}${path}`, key: "k1" },
          { url: `${well.url}/v1`, key: "k2" },
        ],
        use,
      },
    },
    routes: { all: { match: { paths: ["/*"] }, service: name } },
  });
  return { sick, well, probe, configOf };
}

/** Of six requests those that the upstream got. */
async function shareOf({ received }: FakeUpstream, gateway: TestGateway): Promise<number> {
  const before = received.length;
  for (let time = 0; time < 6; time += 1) {
    const answer = await gateway.post(paths.openai, chat);
    await answer.arrayBuffer();
  }
  return received.slice(before).filter(({ method }) => method === "POST").length;
}

const reloads = ({ log }: TestGateway) =>
  log.filter(({ msg }) => msg === "config and plugins reloaded").length;

async function reload(gateway: TestGateway, config: object): Promise<void> {
  const before = reloads(gateway);
  await gateway.writeConfig(config);
  await eventually(
    () => reloads(gateway),
    (count) => count > before,
  );
}

/** A gateway that has found out that one of its targets is sick. */
async function openSick(t: TestContext) {
  const upstreams = await openUpstreams(t);
  const { sick, probe, configOf } = upstreams;
  const config = configOf([probe({ schedule: { every: "100ms" } })]);
  const gateway = await startTestGateway(t, { plugins, config });
  // Two further probes: the first has been applied then.
  await gateway.logged(({ msg }) => msg === "a target does not work");
  const probes = sick.received.length;
  while (sick.received.length < probes + 2) await sick.arrival();
  assert.equal(await shareOf(sick, gateway), 0);
  return { gateway, ...upstreams };
}

/** Probes on no day of these years. */
const never = { schedule: { cron: "0 0 29 2 *" } };

test("what a probe has found holds after a reload, until the next probe", async (t) => {
  const { gateway, sick, probe, configOf } = await openSick(t);
  await reload(gateway, configOf([probe(never)]));
  assert.equal(await shareOf(sick, gateway), 0);
  await reload(gateway, configOf([probe({ ...never, id: "another" })]));
  assert.equal(await shareOf(sick, gateway), 0);

  await sick.play({});
  await reload(gateway, configOf([probe({ schedule: { every: "100ms" } })]));
  await gateway.logged(({ msg }) => msg === "a target works again");
  const probes = sick.received.length;
  while (sick.received.length < probes + 2) await sick.arrival();
  await reload(gateway, configOf([probe(never)]));
  assert.equal(await shareOf(sick, gateway), 3);
});

for (const [name, change] of [
  ["another URL", { path: "/v1/" }],
  ["another service", { name: "renamed" }],
] as const) {
  test(`a target of ${name} is another target, of which nothing is known`, async (t) => {
    const { gateway, sick, probe, configOf } = await openSick(t);
    await reload(gateway, configOf([probe(never)], change));
    assert.equal(await shareOf(sick, gateway), 3);
  });
}

for (const [name, use] of [
  ["nobody probes any more", []],
  ["nobody is believed any more", [{ effect: "observe", ...never }]],
] as const) {
  test(`a target that ${name} is asked again`, async (t) => {
    const { gateway, sick, probe, configOf } = await openSick(t);
    await reload(gateway, configOf(use.map(probe)));
    assert.equal(await shareOf(sick, gateway), 3);
  });
}

test("a probe that a reload overtakes says what it has found to what is in service then", {
  timeout: 60_000,
}, async (t) => {
  const { sick, probe, configOf } = await openUpstreams(t);
  t.mock.timers.enable({ apis: ["Date"], now: Date.parse("2026-11-26T02:59:59.500Z") });
  const answer = Promise.withResolvers<void>();
  await sick.play({ answer: "error-500", body: held(answer.promise) }, {});
  const nightly = probe({ schedule: { cron: "0 3 * * *" } });
  const patient = { ...configOf([nightly]), limits: { plugins: { deadlineMs: 60_000 } } };
  const gateway = await startTestGateway(t, { plugins, config: patient });
  const arrival = sick.arrival();
  t.mock.timers.setTime(Date.parse("2026-11-26T03:00:02Z"));
  assert.equal((await arrival).method, "GET");
  await reload(gateway, { ...patient, log: { level: "debug" } });
  answer.resolve();
  await eventually(
    async () =>
      total(await scrape(gateway), "sandgate_plugin_calls_total", { hook: "schedule", outcome: "ok" }),
    (count) => count === 1,
  );
  assert.equal(await shareOf(sick, gateway), 0);
});

async function* held(until: Promise<void>) {
  await until;
  yield Buffer.from("{}");
}
