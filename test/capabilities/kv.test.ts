import assert from "node:assert/strict";
import { test } from "node:test";
import { createCapabilities, grantImports, MissingGrant, memoryBacking } from "#host/capabilities/all.ts";
import { grant, manifest, openCalls, outcomeOf } from "./user-calls.ts";

const forEver = 0n;

test("what is kept is there in the next call, until it is deleted", async (t) => {
  const plugin = await openCalls(t, grant(), {
    set: ["kv_set", "key", "välue", forEver],
    get: ["kv_get", "key"],
    delete: ["kv_delete", "key"],
    absent: ["kv_get", "other"],
  });
  assert.equal(await outcomeOf(plugin, "get"), "");
  await plugin.call("set");
  assert.equal(await outcomeOf(plugin, "get"), "välue");
  assert.equal(await outcomeOf(plugin, "absent"), "");
  await plugin.call("delete");
  assert.equal(await outcomeOf(plugin, "get"), "");
});

test("a value with a time is gone after it", async (t) => {
  const plugin = await openCalls(t, grant(), { set: ["kv_set", "key", "v", 30n], get: ["kv_get", "key"] });
  await plugin.call("set");
  const until = Date.now() + 10_000;
  while ((await outcomeOf(plugin, "get")) === "v") assert.ok(Date.now() < until);
});

test("bindings, plugins and tenants have their own; a reload and another place in the list keep it", async (t) => {
  const backing = memoryBacking();
  const hooks = { set: ["kv_set", "key", "mine", forEver], get: ["kv_get", "key"] } as const;
  const mine = await openCalls(t, grant({ backing, tenant: "a", plugin: "p", binding: "b" }), hooks);
  await mine.call("set");
  for (const other of [
    { tenant: "a", plugin: "p", binding: "c" },
    { tenant: "a", plugin: "q", binding: "b" },
    { tenant: "b", plugin: "p", binding: "b" },
    { tenant: null, plugin: "p", binding: "b" },
  ]) {
    assert.equal(await outcomeOf(await openCalls(t, grant({ backing, ...other }), hooks), "get"), "");
  }
  const again = await openCalls(t, grant({ backing, tenant: "a", plugin: "p", binding: "b" }), hooks);
  assert.equal(await outcomeOf(again, "get"), "mine");
});

test("what cannot be kept ends the call with the reason, and changes nothing", async (t) => {
  const plugin = await openCalls(t, grant(), {
    set: ["kv_set", "key", "before", forEver],
    get: ["kv_get", "key"],
    longKey: ["kv_set", "k".repeat(513), "v", forEver],
    longValue: ["kv_set", "key", "v".repeat(65_537), forEver],
    empty: ["kv_set", "key", "", forEver],
    forged: ["kv_set", "key", -1n, forEver],
    negative: ["kv_set", "key", "v", -5n],
    wrapped: ["kv_set", "key", "v", -(2n ** 63n)],
    notText: ["kv_set", Uint8Array.of(0xc3, 0x28), "v", forEver],
    notTextGet: ["kv_get", Uint8Array.of(0xff)],
  });
  await plugin.call("set");
  for (const [hook, message] of [
    ["longKey", /^error: extism:host\/user\.kv_set failed: Refused: the key has more than 512 bytes$/],
    ["longValue", /Refused: the value has more than 65536 bytes$/],
    ["empty", /Refused: the value is empty; kv_delete removes a key$/],
    ["forged", /Refused: the value is empty/],
    ["negative", /Refused: ttlMs is -5; it must be 0 or more$/],
    ["wrapped", /Refused: ttlMs is -9223372036854775808; it must/],
    ["notText", /Refused: the key is not UTF-8$/],
    ["notTextGet", /kv_get failed: Refused: the key is not UTF-8$/],
  ] as const) {
    assert.match(await outcomeOf(plugin, hook), message);
    assert.equal(await outcomeOf(plugin, "get"), "before", hook);
  }
});

test("keys with NUL and a byte order mark are keys of their own, and a time past all clocks is for ever", async (t) => {
  const keys = ["", "a", "a\0", "a\0b", "\ufeffa"];
  const sets = keys.map((key, at) => ["kv_set", key, `v${at}`, 2n ** 63n - 1n] as const);
  const gets = keys.map((key, at) => [`get${at}`, ["kv_get", key]] as const);
  const plugin = await openCalls(t, grant(), { set: sets, ...Object.fromEntries(gets) });
  await plugin.call("set");
  for (const at of keys.keys()) assert.equal(await outcomeOf(plugin, `get${at}`), `v${at}`);
});

test("without the grant there is no function; the message says which grant it needs", () => {
  const capabilities = createCapabilities({});
  const namespace = { tenant: null, plugin: "p", binding: ["p"] };
  const imported = new Set(["extism:host/user.kv_get", "extism:host/user.counters_add"]);
  for (const grants of [{}, { kv: false }, { cache: true }]) {
    const scope = { plugin: "p", binding: "b", namespace, manifest, grants };
    assert.deepEqual(
      Object.keys(grantImports(capabilities, scope)).filter((name) => /kv|counters/.test(name)),
      [],
    );
    assert.throws(
      () => grantImports(capabilities, scope, { imported }),
      (thrown: Error) =>
        thrown instanceof MissingGrant &&
        thrown.message === 'the plugin "p" needs grants.kv: true and grants.counters: true',
    );
  }
});
