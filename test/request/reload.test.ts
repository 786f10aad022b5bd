import assert from "node:assert/strict";
import { appendFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { processCapacity } from "#host/sandbox/capacity.ts";
import { startTestGateway, type TestGateway } from "#test/harness.ts";
import { watPlugin } from "#test/wat-plugin.ts";
import { eventually } from "./eventually.ts";
import { askRefused, askStamp, chat, stamp, stampConfig } from "./stamp.ts";

/** 50 requests a second on kept connections, until `stop`. */
function sendSteadily(gateway: TestGateway) {
  const stopped = new AbortController();
  const running = new Set<Promise<void>>();
  const failures: string[] = [];
  let sent = 0;

  async function send(id: number): Promise<void> {
    try {
      const content = `request ${id}`;
      const body = { ...chat, messages: [{ role: "user", content }], stream: id % 5 === 0 };
      const answer = await gateway.post("/v1/chat/completions", body);
      const text = await answer.text();
      const whole =
        id % 5 === 0 ? text.trimEnd().endsWith("data: [DONE]") : text.includes(`echo: ${content}`);
      if (answer.status !== 200 || !whole) failures.push(`${id}: ${answer.status} ${text}`);
    } catch (thrown) {
      failures.push(`${id}: ${thrown} ${thrown instanceof Error ? thrown.cause : ""}`);
    }
  }
  async function pace(): Promise<void> {
    while (!stopped.signal.aborted) {
      sent += 1;
      const one = send(sent).finally(() => running.delete(one));
      running.add(one);
      await sleep(20);
    }
  }
  const paced = pace();
  return {
    failures,
    sent: () => sent,
    async stop(): Promise<void> {
      stopped.abort();
      await paced;
      await Promise.all(running);
    },
  };
}

test("plugins come, change, break and go under traffic, and no request fails", async (t) => {
  const gateway = await startTestGateway(t, { config: stampConfig(false) });
  const file = join(gateway.folder, "plugins", "stamp.wasm");
  const traffic = sendSteadily(gateway);
  t.after(() => traffic.stop());
  const stamps = (expected: string) =>
    eventually(
      () => askStamp(gateway),
      (found) => found === expected,
    );
  const isNow = async (expected: string) => assert.equal(await askStamp(gateway), expected);
  /** The one refusal of a plugin file that `/readyz` shows. */
  const refusal = async (reason: RegExp) => {
    const { plugins, config } = await eventually(
      () => askRefused(gateway),
      ({ plugins: [first] }) => reason.test(first?.reason ?? ""),
    );
    assert.deepEqual(config, []);
    assert.deepEqual(
      plugins.map((one) => [one.file, one.kept]),
      [[file, "stamp"]],
    );
  };
  const nothingRefused = () =>
    eventually(
      () => askRefused(gateway),
      ({ config, plugins }) => config.length + plugins.length === 0,
    );
  await isNow("200 null");

  await t.test("dropped in, and bound by a config edit", async () => {
    await gateway.writePlugin("stamp", stamp(1));
    await gateway.writeConfig(stampConfig(true));
    await stamps("200 1");
  });

  await t.test("replaced", async () => {
    await gateway.writePlugin("stamp", stamp(2));
    await stamps("200 2");
  });

  await t.test("broken by bytes that are no module: the one before goes on", async () => {
    await gateway.writePlugin("stamp", Buffer.from("not a module, but longer than a header"));
    await refusal(/^not a WebAssembly module/);
    await isNow("200 2");
  });

  await t.test("half of a new one is there while it is copied: it is taken up when it is whole", async () => {
    const bytes = stamp(3);
    const half = Math.floor(bytes.length / 2);
    await writeFile(file, bytes.subarray(0, half));
    await refusal(/^(?!not a WebAssembly module)/);
    await isNow("200 2");
    await appendFile(file, bytes.subarray(half));
    await stamps("200 3");
    await nothingRefused();
  });

  await t.test("deleted while it is bound: it goes on, and comes back with its file", async () => {
    await gateway.writePlugin("stamp", null);
    await refusal(/^it is gone$/);
    await isNow("200 3");
    await gateway.writePlugin("stamp", stamp(4));
    await stamps("200 4");
    await nothingRefused();
  });

  await t.test("deleted and no longer bound: it is gone", async () => {
    await rm(file);
    await gateway.writeConfig(stampConfig(false));
    await stamps("200 null");
    await nothingRefused();
  });

  await t.test("and once more, again and again, for some seconds", async () => {
    for (let version = 5; traffic.sent() < 150; version += 1) {
      await gateway.writePlugin("stamp", stamp(version));
      await gateway.writeConfig(stampConfig(true));
      await stamps(`200 ${version}`);
      await gateway.writePlugin("stamp", null);
      await gateway.writeConfig(stampConfig(false));
      await stamps("200 null");
    }
  });

  await traffic.stop();
  assert.deepEqual(traffic.failures, []);
});

test("a config edit that is invalid changes nothing, and /readyz shows where it is", async (t) => {
  const gateway = await startTestGateway(t, { plugins: { stamp: stamp(1) }, config: stampConfig(true) });
  const { current } = gateway.running.gateway;
  for (const [text, problem] of [
    ["gateway:\n  uses: []\n", /gateway\.yaml:2:3 gateway\.uses: unknown key, .*did you mean "use"\?$/],
    [
      "listen: { port: 0 }\nservices: { mock: { provider: mock } }\ngateway:\n  use:\n    - plugin: stmap\n",
      /gateway\.yaml:5:7 gateway\.use\.0\.plugin: there is no plugin "stmap", did you mean "stamp"\?$/,
    ],
    ["gateway: [\n", /gateway\.yaml:\d+:\d+: /],
    ["", /gateway\.yaml:1:1: the file is empty$/],
  ] as const) {
    await gateway.writeConfig(text);
    const { config } = await eventually(
      () => askRefused(gateway),
      ({ config: [first = ""] }) => problem.test(first),
    );
    assert.equal(config.length, 1);
    assert.equal(await askStamp(gateway), "200 1");
    assert.equal(gateway.running.gateway.current, current);
    const line = await gateway.logged((one) => one["problem"] === config[0]);
    assert.equal(line.level, "error");
  }
  await gateway.writeConfig(stampConfig(false));
  await eventually(
    () => askStamp(gateway),
    (found) => found === "200 null",
  );
  assert.deepEqual(await askRefused(gateway), { config: [], plugins: [] });
});

test("while the config is refused plugins are kept up with, and what it waits for is noticed", async (t) => {
  const gateway = await startTestGateway(t, { plugins: { stamp: stamp(1) }, config: stampConfig(true) });
  const late = watPlugin({ name: "late", hooks: { pre_request: {} } }, { pre_request: [] });
  const text =
    "listen: { port: 0 }\nplugins: { folders: [./plugins, ./more] }\ngateway: { use: [{ plugin: late }] }\n";
  await gateway.writeConfig(text);
  await eventually(
    () => askRefused(gateway),
    ({ config }) => config.length === 1,
  );
  await gateway.writePlugin("stamp", stamp(2));
  await eventually(
    () => askStamp(gateway),
    (found) => found === "200 2",
  );
  // The folder that only the refused config names is watched too.
  await mkdir(join(gateway.folder, "more"));
  await writeFile(join(gateway.folder, "more", "late.wasm"), late);
  await eventually(
    () => askStamp(gateway),
    (found) => found.startsWith("404"),
  );
  assert.deepEqual((await askRefused(gateway)).config, []);
});

test("a stream ends on the generation that it began on, which then lets go of its plugins", async (t) => {
  const before = processCapacity.instances;
  const last = watPlugin(
    { name: "last", hooks: { post_request: { at: "completion" } } },
    { post_request: "(call $log_info (call $block (i32.const 0) (i32.const 5))) (i32.const 0)" },
    '(data (i32.const 0) "ended")',
  );
  const bound = stampConfig(true);
  const gateway = await startTestGateway(t, {
    plugins: { stamp: stamp(1), last },
    config: { ...bound, gateway: { use: [{ plugin: "stamp" }, { plugin: "last" }] } },
  });
  const content = "a stream of some words that takes more than a second";
  const slow = { model: "mock-slow", stream: true, messages: [{ role: "user", content }] };
  const answer = await gateway.post("/v1/chat/completions", slow);
  assert.equal(answer.headers.get("x-stamp"), "1");
  assert.equal(processCapacity.instances, before + 2);

  await gateway.writePlugin("stamp", stamp(2));
  await gateway.writeConfig(bound);
  await eventually(
    () => askStamp(gateway),
    (found) => found === "200 2",
  );
  assert.ok(processCapacity.instances > before + 2, "both generations have their plugins");

  assert.match(await answer.text(), /data: \[DONE\]\s*$/);
  const id = answer.headers.get("x-request-id");
  const line = await gateway.logged((one) => one["requestId"] === id && one.msg === "ended");
  assert.equal(line["plugin"], "last");
  await eventually(
    () => processCapacity.instances,
    (instances) => instances === before + 1,
  );
  assert.equal(await askStamp(gateway), "200 2");
});

test("a gateway that is closed during a reload lets go of everything", async (t: TestContext) => {
  const before = processCapacity.instances;
  const gateway = await startTestGateway(t, { plugins: { stamp: stamp(1) }, config: stampConfig(true) });
  await gateway.writePlugin("stamp", stamp(2));
  const reloaded = gateway.running.gateway.reload();
  await Promise.all([gateway.running.gateway.close(), reloaded]);
  assert.equal(processCapacity.instances, before);
  await gateway.writePlugin("stamp", stamp(3));
  await gateway.running.gateway.reload();
  assert.equal(processCapacity.instances, before);
});
