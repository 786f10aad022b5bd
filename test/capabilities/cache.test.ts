import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryBacking } from "#host/capabilities/all.ts";
import { cacheLimits } from "#host/limits.ts";
import { createCaches } from "#host/store/cache.ts";
import { grant, openCalls, outcomeOf } from "./user-calls.ts";

const long = 1_000_000n;

test("what is cached is there in the next call, until it is deleted or set to be kept for no time", async (t) => {
  const plugin = await openCalls(t, grant(), {
    set: ["cache_set", "key", "value", long],
    get: ["cache_get", "key"],
    delete: ["cache_delete", "key"],
    noTime: ["cache_set", "key", "value", 0n],
    negative: ["cache_set", "key", "value", -1n],
    empty: ["cache_set", "key", "", long],
    large: ["cache_set", "key", "v".repeat(cacheLimits.valueBytes + 1), long],
  });
  for (const remove of ["delete", "noTime"]) {
    await plugin.call("set");
    assert.equal(await outcomeOf(plugin, "get"), "value");
    await plugin.call(remove);
    assert.equal(await outcomeOf(plugin, "get"), "");
  }
  assert.match(await outcomeOf(plugin, "negative"), /^error: .*cache_set failed: Refused: ttlMs is -1/);
  assert.match(await outcomeOf(plugin, "empty"), /the value is empty/);
  assert.match(await outcomeOf(plugin, "large"), /the value has more than 262144 bytes/);
});

test("bindings and tenants do not see each other's, and the cache outlives a reload", async (t) => {
  const backing = memoryBacking();
  const hooks = { set: ["cache_set", "key", "mine", long], get: ["cache_get", "key"] } as const;
  const open = (tenant: string, binding: string) => openCalls(t, grant({ backing, tenant, binding }), hooks);
  await (await open("a", "1")).call("set");
  assert.equal(await outcomeOf(await open("a", "2"), "get"), "");
  assert.equal(await outcomeOf(await open("b", "1"), "get"), "");
  assert.equal(await outcomeOf(await open("a", "1"), "get"), "mine");
});

const namespaceOf = (tenant: string, id: string) => ({ tenant, plugin: "p", binding: [id] });

test("a full room lets go what was not used for longest, and never touches another tenant's", () => {
  const caches = createCaches();
  const [one, two, other] = [
    ["a", "1"],
    ["a", "2"],
    ["b", "1"],
  ].map(([tenant = "", id = ""]) => caches(namespaceOf(tenant, id)));
  assert.ok(one && two && other);
  const value = Buffer.alloc(cacheLimits.valueBytes);
  other.set("theirs", value, 1_000_000);
  one.set("used", value, 1_000_000);
  one.set("unused", value, 1_000_000);
  for (let key = 0; key < 2 * (cacheLimits.tenantBytes / value.length); key += 1) {
    two.set(`${key}`, value, 1_000_000);
    assert.ok(one.get("used") !== null);
  }
  assert.equal(one.get("unused"), null);
  assert.equal(two.get("0"), null);
  assert.ok(other.get("theirs") !== null);
});

test("what has expired is gone, and its room is free again", () => {
  const clock = { ms: 0, now: () => clock.ms, wall: () => 0 };
  const cache = createCaches(clock)(namespaceOf("a", "1"));
  const value = Buffer.alloc(cacheLimits.valueBytes);
  const fits = Math.floor(cacheLimits.tenantBytes / (value.length + 1_000));
  for (let round = 0; round < 3; round += 1) {
    for (let key = 0; key < fits; key += 1) cache.set(`${key}`, value, 10);
    for (let key = 0; key < fits; key += 1) assert.ok(cache.get(`${key}`) !== null, `round ${round}, ${key}`);
    clock.ms += 10;
    for (let key = 0; key < fits; key += 1) assert.equal(cache.get(`${key}`), null);
  }
});
