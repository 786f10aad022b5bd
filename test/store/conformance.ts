import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { storeLimits } from "#host/limits.ts";
import type { Clock } from "#host/store/clock.ts";
import { type Namespace, type Store, StoreRefused } from "#host/store/store.ts";

/** Opens a store that is closed with the test. */
export type OpenStore = (t: TestContext, options: { readonly clock: Clock }) => Promise<Store>;

/** A time that a test moves on. */
export type Time = Clock & { ms: number; wallMs: number };

export function timeOf(): Time {
  return {
    ms: 1_000,
    wallMs: 1_700_000_000_000,
    now() {
      return this.ms;
    },
    wall() {
      return this.wallMs;
    },
  };
}

export const forEver = Number.POSITIVE_INFINITY;
export const space: Namespace = { tenant: null, plugin: "p", binding: ["gateway", null, "p"] };

export const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());

/** What every backend does. */
export function testStore(name: string, open: OpenStore): void {
  const opened = async (t: TestContext) => {
    const time = timeOf();
    const store = await open(t, { clock: time });
    return { time, store, values: store.values(space), counters: store.counters(space) };
  };

  test(`${name}: a value is there until it is deleted, and the last one counts`, async (t) => {
    const { values } = await opened(t);
    assert.equal(await values.get("a"), null);
    await values.set("a", Buffer.from("one"), forEver);
    await values.set("a", Buffer.from("two"), forEver);
    assert.equal(text(await values.get("a")), "two");
    await values.delete("a");
    await values.delete("a");
    assert.equal(await values.get("a"), null);
  });

  test(`${name}: keys are texts of any characters, and no two are one`, async (t) => {
    const { values, counters } = await opened(t);
    const keys = [
      "",
      "a",
      "a\0",
      "\0a",
      "a\0b",
      "A",
      "é",
      "e\u0301",
      "👋",
      "__proto__",
      "constructor",
      "\ufeffa",
    ];
    for (const [index, key] of keys.entries()) {
      await values.set(key, Buffer.from(key), forEver);
      await counters.add(key, index + 1, forEver);
    }
    for (const [index, key] of keys.entries()) {
      assert.equal(text(await values.get(key)), key);
      assert.equal(await counters.get(key), index + 1);
    }
  });

  test(`${name}: a value is the bytes that were given, of any kind`, async (t) => {
    const { values } = await opened(t);
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await values.set("all", all, forEver);
    assert.deepEqual(Buffer.from((await values.get("all")) ?? []), Buffer.from(all));
  });

  test(`${name}: a value is gone when its time is over, and lives anew when it is set again`, async (t) => {
    const { time, values } = await opened(t);
    await values.set("a", Buffer.from("x"), 100);
    time.ms += 99;
    assert.equal(text(await values.get("a")), "x");
    await values.set("a", Buffer.from("y"), 100);
    time.ms += 99;
    assert.equal(text(await values.get("a")), "y");
    time.ms += 1;
    assert.equal(await values.get("a"), null);
  });

  test(`${name}: a counter lives from its first addition; later ones do not prolong it`, async (t) => {
    const { time, counters } = await opened(t);
    assert.equal(await counters.add("a", 1, 100), 1);
    time.ms += 99;
    assert.equal(await counters.add("a", 2, 1_000_000), 3);
    time.ms += 1;
    assert.equal(await counters.get("a"), 0);
    assert.equal(await counters.add("a", 1, 100), 1);
  });

  test(`${name}: a date that is set back or forth changes nothing while the gateway runs`, async (t) => {
    const { time, values, counters } = await opened(t);
    await counters.add("a", 5, 100);
    await values.set("a", Buffer.from("x"), 100);
    time.wallMs -= 86_400_000;
    assert.equal(await counters.get("a"), 5);
    time.wallMs += 2 * 86_400_000;
    assert.equal(text(await values.get("a")), "x");
    time.ms += 100;
    assert.equal(await counters.get("a"), 0);
    assert.equal(await values.get("a"), null);
  });

  test(`${name}: a counter stays at the last number that every language can read`, async (t) => {
    const { counters } = await opened(t);
    const most = Number.MAX_SAFE_INTEGER;
    assert.equal(await counters.add("up", most, forEver), most);
    assert.equal(await counters.add("up", 1, forEver), most);
    assert.equal(await counters.add("up", 2 ** 63, forEver), most);
    assert.equal(await counters.add("up", -1, forEver), most - 1);
    assert.equal(await counters.add("down", -(2 ** 63), forEver), -most);
    assert.equal(await counters.add("down", -1, forEver), -most);
  });

  test(`${name}: additions at one time lose nothing`, async (t) => {
    const { store } = await opened(t);
    const added = Array.from({ length: 200 }, async () => store.counters(space).add("a", 1, forEver));
    assert.equal(new Set(await Promise.all(added)).size, 200);
    assert.equal(await store.counters(space).get("a"), 200);
  });

  test(`${name}: a take adds as long as there is room, and what is too much changes nothing`, async (t) => {
    const { time, counters } = await opened(t);
    const bounds = { most: 10, ttlMs: 100 };
    assert.equal(await counters.take("a", 4, bounds), 4);
    time.ms += 99;
    assert.equal(await counters.take("a", 6, bounds), 10);
    assert.equal(await counters.take("a", 1, { most: 10, ttlMs: 1_000_000 }), -1);
    assert.equal(await counters.get("a"), 10);
    time.ms += 99;
    assert.equal(await counters.get("a"), 10, "the last take has prolonged it");
    time.ms += 1;
    assert.equal(await counters.take("a", 11, bounds), -1);
    assert.equal(await counters.get("a"), 0);
    await counters.add("a", -5, forEver);
    assert.equal(await counters.take("a", 1, bounds), 1);
    assert.equal(await counters.take("b", 1, { most: -1, ttlMs: 100 }), -1);
    assert.equal(
      await counters.take("b", Number.MAX_SAFE_INTEGER, { most: 2 ** 63, ttlMs: forEver }),
      2 ** 53 - 1,
    );
    assert.equal(await counters.take("b", 1, { most: 2 ** 63, ttlMs: forEver }), -1);
  });

  test(`${name}: takes at one time never give more than there is`, async (t) => {
    const { counters } = await opened(t);
    const taken = Array.from({ length: 200 }, async () =>
      counters.take("a", 1, { most: 60, ttlMs: forEver }),
    );
    const values = (await Promise.all(taken)).filter((value) => value !== -1);
    assert.deepEqual(
      values.toSorted((left, right) => left - right),
      Array.from({ length: 60 }, (_, index) => index + 1),
    );
  });

  test(`${name}: no two namespaces are one, whatever their names; the same is the same again`, async (t) => {
    const { store } = await opened(t);
    const namespaces: Namespace[] = [
      { tenant: null, plugin: "a", binding: ["b"] },
      { tenant: "a", plugin: "a", binding: ["b"] },
      { tenant: "null", plugin: "a", binding: ["b"] },
      { tenant: null, plugin: "a", binding: ["b", "c"] },
      { tenant: null, plugin: "a", binding: ["b,c"] },
      { tenant: null, plugin: 'a",["b"]', binding: [] },
      { tenant: null, plugin: "a", binding: [null, "b"] },
    ];
    for (const [index, one] of namespaces.entries()) {
      await store.values(one).set("key", Buffer.from(String(index)), forEver);
      await store.counters(one).add("key", index + 1, forEver);
    }
    for (const [index, one] of namespaces.entries()) {
      assert.equal(text(await store.values({ ...one }).get("key")), String(index));
      assert.equal(await store.counters({ ...one }).get("key"), index + 1);
    }
  });

  test(`${name}: what is too large is refused by its limit, and what was there stays`, async (t) => {
    const { values, counters } = await opened(t);
    const { keyBytes, valueBytes } = storeLimits;
    const refused = (work: () => unknown, message: RegExp) =>
      assert.rejects(
        async () => work(),
        (thrown: Error) => thrown instanceof StoreRefused && message.test(thrown.message),
      );
    await values.set("a", Buffer.from("x"), forEver);
    await refused(
      () => values.set("a", Buffer.alloc(valueBytes + 1), forEver),
      /65537 bytes, the limit is 65536/,
    );
    assert.equal(text(await values.get("a")), "x");
    await values.set("k".repeat(keyBytes), Buffer.alloc(valueBytes), forEver);
    await refused(
      () => values.set("k".repeat(keyBytes + 1), Buffer.from("x"), forEver),
      /513 bytes, the limit is 512/,
    );
    await refused(
      () => counters.add("é".repeat(keyBytes / 2 + 1), 1, forEver),
      /514 bytes, the limit is 512/,
    );
  });

  test(`${name}: a namespace is full at ${storeLimits.entries} entries, until some expire or are deleted`, async (t) => {
    const { time, counters, store } = await opened(t);
    for (let key = 0; key < storeLimits.entries; key += 1) await counters.add(`${key}`, 1, 1_000);
    await assert.rejects(async () => counters.add("more", 1, 1_000), /100000 entries, the limit is 100000/);
    assert.equal(await counters.add("0", 1, 1_000), 2);
    const other = store.counters({ ...space, binding: ["other"] });
    assert.equal(await other.add("more", 1, forEver), 1);
    time.ms += 1_000;
    assert.equal(await counters.add("more", 1, forEver), 1);
  });

  test(`${name}: a namespace and a tenant have so many bytes, which other tenants do not feel`, async (t) => {
    const { store } = await opened(t);
    const value = Buffer.alloc(storeLimits.valueBytes);
    const fill = async (namespace: Namespace) => {
      for (let key = 0; ; key += 1) await store.values(namespace).set(`${key}`, value, forEver);
    };
    const of = (tenant: string, id: string) => ({ tenant, plugin: "p", binding: [id] });
    await assert.rejects(fill(of("a", "1")), /the namespace has \d+ bytes of 33554432/);
    for (const id of ["2", "3"]) await assert.rejects(fill(of("a", id)), /the namespace/);
    await assert.rejects(fill(of("a", "4")), /the (namespace|tenant) has/);
    await assert.rejects(fill(of("a", "5")), /the tenant has \d+ bytes of 134217728/);
    await store.values(of("b", "1")).set("a", value, forEver);
    for (let key = 0; key < 100; key += 1) await store.values(of("a", "1")).delete(`${key}`);
    await store.values(of("a", "5")).set("fits", value, forEver);
    await assert.rejects(fill(of("a", "5")), /the tenant has/);
    for (let key = 0; key < 20; key += 1)
      await store.values(of("a", "2")).set(`${key}`, Buffer.from("x"), forEver);
    await store.values(of("a", "5")).set("smaller ones leave room", value, forEver);
  });
}
