import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createCapabilities, grantImports } from "#host/capabilities/all.ts";
import { createConsumers } from "#host/capabilities/consumers.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";
import { env, type Fixture, helpersWat, openFixture, textOf } from "#test/sandbox/fixture.ts";

type Consumers = Parameters<typeof createConsumers>[0];

const authenticator: Manifest = {
  name: "auth",
  version: "1.0.0",
  abi: 1,
  hooks: { pre_request: { writes: ["identify"] } },
};

const scopeOf = (manifest: Manifest) => ({
  plugin: "p",
  binding: "b",
  namespace: { tenant: null, plugin: "p", binding: ["b"] },
  manifest,
  grants: {},
});

/** A plugin that answers the name of the consumer whose key is its input; nothing when there is none. */
async function openFinder(t: TestContext, consumers: Consumers): Promise<Fixture> {
  const fixture = await openFixture(
    `${env}
    (import "extism:host/user" "consumers_find" (func $find (param i64) (result i64)))
    ${helpersWat}
    (memory 1)
    (data (i32.const 0) "found 0")
    (func $key (result i64) (local $b i64) (local $i i64)
      (local.set $b (call $alloc (call $input_length)))
      (block $done (loop $next
        (br_if $done (i64.ge_u (local.get $i) (call $input_length)))
        (call $store_u8 (i64.add (local.get $b) (local.get $i)) (call $input_load_u8 (local.get $i)))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br $next)))
      (local.get $b))
    (func $tell (param $name i64)
      (if (i64.eqz (local.get $name))
        (then (call $answer (call $block (i32.const 0) (i32.const 7))))
        (else (call $answer (local.get $name)))))
    (func (export "find") (call $tell (call $find (call $key))))
    (func (export "find_forged") (call $tell (call $find (i64.const -1))))`,
    { imports: createConsumers(consumers).grant(scopeOf(authenticator)) ?? {} },
  );
  t.after(() => fixture.pool.close(0));
  return fixture;
}

test("a key names its consumer; any other text is 0", async (t) => {
  const finder = await openFinder(t, {
    alice: { keys: ["sk-alice", "sk-alice-2"] },
    bob: { keys: ["sk-böb-👋"] },
    carol: {},
    constructor: { keys: ["sk-constructor"] },
  });
  for (const [key, name] of [
    ["sk-alice", "alice"],
    ["sk-alice-2", "alice"],
    ["sk-böb-👋", "bob"],
    ["sk-constructor", "constructor"],
    ["sk-alice ", "found 0"],
    ["SK-ALICE", "found 0"],
    ["sk-alic", "found 0"],
    ["sk-alice\u0000", "found 0"],
    ["alice", "found 0"],
    ["__proto__", "found 0"],
    ["", "found 0"],
    ["x".repeat(100_000), "found 0"],
  ] as const) {
    assert.equal(textOf(await finder.call("find", key)), name, JSON.stringify(key.slice(0, 20)));
  }
  assert.equal(textOf(await finder.call("find_forged")), "found 0");
});

test("a key that two consumers have names the first", async (t) => {
  const finder = await openFinder(t, { alice: { keys: ["sk-both"] }, bob: { keys: ["sk-both"] } });
  assert.equal(textOf(await finder.call("find", "sk-both")), "alice");
});

test("each of ten thousand consumers is found", async (t) => {
  const names = Array.from({ length: 10_000 }, (_, at) => `consumer-${at}`);
  const finder = await openFinder(
    t,
    Object.fromEntries(names.map((name) => [name, { keys: [`sk-${name}`] }])),
  );
  for (const name of names) assert.equal(textOf(await finder.call("find", `sk-${name}`)), name);
  assert.equal(textOf(await finder.call("find", "sk-consumer-10000")), "found 0");
});

for (const [name, hooks, granted] of [
  ["an authenticator", { pre_request: { writes: ["identify"] } }, true],
  ["an authenticator that writes more", { pre_request: { writes: ["tags", "identify"] } }, true],
  ["a plugin that writes something else", { pre_request: { writes: ["tags"] } }, false],
  ["a plugin that writes nothing", { pre_request: {} }, false],
  ["a plugin without hooks", {}, false],
] as const) {
  test(`consumers_find ${granted ? "exists" : "does not exist"} for ${name}`, () => {
    const manifest = { ...authenticator, hooks: structuredClone(hooks) as Manifest["hooks"] };
    const imports = grantImports(createCapabilities({ consumers: {} }), scopeOf(manifest));
    assert.equal("extism:host/user.consumers_find" in imports, granted);
    assert.equal("extism:host/env.http_request" in imports, false);
  });
}
