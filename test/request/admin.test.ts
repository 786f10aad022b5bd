import assert from "node:assert/strict";
import { request } from "node:http";
import { type TestContext, test } from "node:test";
import { startTestGateway } from "#test/harness.ts";
import { watPlugin } from "#test/wat-plugin.ts";
import { chat, stamp, stampConfig } from "./stamp.ts";

const token = "a-token-for-admins";
const authorized = { authorization: `Bearer ${token}` };

async function open(t: TestContext, admin: object | null = {}) {
  const config = {
    ...stampConfig(true),
    consumers: { alice: {} },
    ...(admin === null ? {} : { admin: { port: 0, ...admin } }),
  };
  const unused = watPlugin({ name: "unused", hooks: { schedule: { every: "1h" } } }, { schedule: [] });
  const gateway = await startTestGateway(t, { config, plugins: { stamp: stamp(1), unused } });
  const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
    fetch(`${gateway.running.adminUrl}${path}`, { headers, method });
  return { gateway, get };
}

test("the plan of a route is explained, for a consumer too", async (t) => {
  const { get } = await open(t);
  for (const [query, consumer] of [
    ["route=chat", undefined],
    ["route=chat&consumer=alice", "alice"],
  ] as const) {
    const answer = await get(`/explain?${query}`);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "application/json; charset=utf-8");
    assert.equal(answer.headers.get("cache-control"), "no-store");
    const explanation = (await answer.json()) as {
      route: { name: string };
      consumer: { name: string } | null;
      bindings: { plugin: string }[];
    };
    assert.equal(explanation.route.name, "chat");
    assert.equal(explanation.consumer?.name, consumer);
    assert.deepEqual(
      explanation.bindings.map(({ plugin }) => plugin),
      ["stamp"],
    );
  }
});

test("what is scheduled is explained with its next time", async (t) => {
  const ticks = watPlugin({ name: "ticks", hooks: { schedule: { every: "1h" } } }, { schedule: [] });
  const use = [
    { plugin: "ticks", schedule: { cron: "0 3 29 2 *", timezone: "Europe/Berlin" } },
    { plugin: "ticks", id: "often" },
  ];
  const config = { ...stampConfig(true), gateway: { use }, admin: { port: 0 } };
  const gateway = await startTestGateway(t, { config, plugins: { stamp: stamp(1), ticks } });
  const answer = await fetch(`${gateway.running.adminUrl}/explain?route=chat`);
  const { schedules } = (await answer.json()) as {
    schedules: { binding: string; schedule: { value: object }; jitterMs: number; next: string }[];
  };
  const shown = schedules.map(({ binding, schedule, jitterMs }) => ({
    binding,
    ...schedule.value,
    jitterMs,
  }));
  assert.deepEqual(shown, [
    { binding: "gateway.use.0", cron: "0 3 29 2 *", timezone: "Europe/Berlin", jitterMs: 1_000 },
    { binding: "gateway.use.1", every: "1h", jitterMs: 360_000 },
  ]);
  assert.match(schedules[0]?.next ?? "", /^\d{4}-02-29T02:00:0[01]/);
  const inMs = Date.parse(schedules[1]?.next ?? "") - Date.now();
  assert.ok(inMs > -10_000 && inMs <= 3_960_000, String(inMs));
});

for (const query of ["", "?route=none", "?route=constructor", "?route=chat&consumer=bob"]) {
  test(`there is nothing to explain: ${query || "no route"}`, async (t) => {
    const { get } = await open(t);
    const answer = await get(`/explain${query}`);
    assert.equal(answer.status, 404);
    assert.match(JSON.stringify(await answer.json()), /"message"/);
  });
}

test("the plugins in service are listed, with their bindings and what is refused", async (t) => {
  const { gateway, get } = await open(t);
  await gateway.writePlugin("broken", Buffer.from("no module"));
  await gateway.logged(({ reason }) => reason !== undefined);
  const { plugins, refused, quarantined } = (await (await get("/plugins")).json()) as {
    plugins: Record<string, unknown>[];
    refused: { file: string }[];
    quarantined: unknown[];
  };
  const shown = plugins.map(({ name, version, hooks, bindings }) => ({ name, version, hooks, bindings }));
  assert.deepEqual(shown, [
    { name: "stamp", version: "1.0.0", hooks: ["post_request"], bindings: ["gateway.use.0"] },
    { name: "unused", version: "1.0.0", hooks: ["schedule"], bindings: [] },
  ]);
  assert.match(String(plugins[0]?.["digest"]), /^[0-9a-f]{64}$/);
  assert.match(refused[0]?.file ?? "", /broken\.wasm$/);
  assert.deepEqual(quarantined, []);
});

test("health and metrics are there too, and no route of the config is", async (t) => {
  const { gateway, get } = await open(t);
  assert.equal((await get("/healthz")).status, 200);
  assert.match(await (await get("/metrics")).text(), /^sandgate_/m);
  for (const path of ["/v1/chat/completions", "/", "/%zz"]) assert.equal((await get(path)).status, 404, path);
  assert.equal((await get("/plugins", {}, "POST")).status, 404);
  const missing = await gateway.post("/plugins", chat);
  assert.equal(missing.status, 404);
});

test("with a token every page wants it", async (t) => {
  const { get } = await open(t, { token });
  for (const path of ["/explain?route=chat", "/plugins", "/healthz", "/metrics", "/none", "/%zz"]) {
    for (const headers of [
      {},
      { authorization: `Bearer ${token}x` },
      { authorization: token },
      { authorization: "Bearer" },
    ]) {
      const answer = await get(path, headers as Record<string, string>);
      assert.equal(answer.status, 401, path);
      assert.doesNotMatch(await answer.text(), /stamp|sandgate_/);
    }
  }
  assert.equal((await get("/plugins", authorized)).status, 200);
  assert.equal((await get("/plugins", { authorization: `bearer ${token}` })).status, 200);
  assert.equal((await get("/none", authorized)).status, 404);
});

test("without a token a name of the web that leads here reads nothing", async (t) => {
  const { gateway } = await open(t);
  const statusFor = (host: string) =>
    new Promise((resolve, reject) => {
      request(`${gateway.running.adminUrl}/plugins`, { headers: { host } }, (answer) => {
        resolve(answer.resume().statusCode);
      })
        .on("error", reject)
        .end();
    });
  assert.equal(await statusFor("rebound.example:80"), 403);
  assert.equal(await statusFor("127.0.0.1.rebound.example"), 403);
  assert.equal(await statusFor("localhost:9901"), 200);
  assert.equal(await statusFor("[::1]:9901"), 200);
});

for (const host of ["0.0.0.0", "::", "192.168.0.7", "admin.internal", "127.0.0.1.example.com"]) {
  test(`a port for others than this machine, ${host}, wants a token`, async (t) => {
    await assert.rejects(
      open(t, { host }),
      /admin\.host: is no loopback address, so admin\.token must be set/,
    );
  });
}

test("a short token is refused", async (t) => {
  await assert.rejects(open(t, { token: "short" }), /admin\.token: must be 16 to 4096/);
});

test("without admin there is no port", async (t) => {
  const { gateway } = await open(t, null);
  assert.equal(gateway.running.adminUrl, null);
});

test("a gateway whose admin port is taken does not start, and leaves no port behind", async (t) => {
  const { gateway } = await open(t);
  const port = Number(new URL(gateway.running.adminUrl ?? "").port);
  await assert.rejects(open(t, { port }), /EADDRINUSE/);
  await gateway.running.stop();
  await assert.rejects(fetch(`http://127.0.0.1:${port}/healthz`));
});
