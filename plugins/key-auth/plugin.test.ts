import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type OpenOptions, type OpenPlugin, openPlugin, PluginRefused } from "@sandgate/plugin-sdk/testing";

const file = join(import.meta.dirname, "../key-auth.wasm");

const consumers = {
  alice: ["sk-alice-1", "sk-alice-2"],
  bob: ["sk-bob-12345"],
  constructor: ["sk-constructor"],
};

type Case = {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly config?: OpenOptions["config"];
  readonly consumer: string | null;
};

const cases: readonly Case[] = [
  { name: "a Bearer token", headers: { authorization: "Bearer sk-alice-1" }, consumer: "alice" },
  {
    name: "the second key of a consumer",
    headers: { authorization: "Bearer sk-alice-2" },
    consumer: "alice",
  },
  { name: "bearer in lower case", headers: { authorization: "bearer sk-bob-12345" }, consumer: "bob" },
  {
    name: "BEARER with blanks around",
    headers: { authorization: " BEARER   sk-bob-12345\t" },
    consumer: "bob",
  },
  { name: "x-api-key", headers: { "x-api-key": "sk-alice-1" }, consumer: "alice" },
  { name: "x-goog-api-key", headers: { "x-goog-api-key": "sk-alice-1" }, consumer: "alice" },
  { name: "api-key, with blanks around", headers: { "api-key": "  sk-bob-12345 " }, consumer: "bob" },
  {
    name: "a consumer whose name is inherited",
    headers: { "api-key": "sk-constructor" },
    consumer: "constructor",
  },
  { name: "no header", headers: {}, consumer: null },
  { name: "an unknown key", headers: { authorization: "Bearer sk-mallory" }, consumer: null },
  { name: "a key and more", headers: { "x-api-key": "sk-alice-1x" }, consumer: null },
  { name: "the beginning of a key", headers: { "x-api-key": "sk-alice-" }, consumer: null },
  { name: "a key in upper case", headers: { "x-api-key": "SK-ALICE-1" }, consumer: null },
  { name: "a key without Bearer", headers: { authorization: "sk-alice-1" }, consumer: null },
  { name: "Bearer without a blank", headers: { authorization: "Bearersk-alice-1" }, consumer: null },
  { name: "another scheme", headers: { authorization: "Basic sk-alice-1" }, consumer: null },
  { name: "a name for a key", headers: { "x-api-key": "alice" }, consumer: null },
  ...[
    "constructor",
    "__proto__",
    "toString",
    "null",
    "0",
    "\ud800",
    "sk-alice-1\u0000",
    "s\u212a-alice-1",
  ].map((key) => ({
    name: `${JSON.stringify(key)} for a key`,
    headers: { "x-api-key": key },
    consumer: null,
  })),
  { name: "a key of 10,000 bytes", headers: { "x-api-key": "sk-alice-1".repeat(1_000) }, consumer: null },
  { name: "10,000 blanks", headers: { authorization: `Bearer ${" ".repeat(10_000)}` }, consumer: null },
  {
    name: "a header sent twice, which is one value (RFC 9110 5.3)",
    headers: { authorization: "Bearer sk-alice-1, Bearer sk-alice-1" },
    consumer: null,
  },
  {
    name: "two keys: the first header that holds one decides",
    headers: { "x-api-key": "sk-alice-1", authorization: "Bearer sk-bob-12345" },
    consumer: "bob",
  },
  {
    name: "two keys: an unknown one decides too",
    headers: { authorization: "Bearer sk-mallory", "x-api-key": "sk-alice-1" },
    consumer: null,
  },
  {
    name: "a header without a key in it does not decide",
    headers: { authorization: "Basic dTpw", "x-api-key": " ", "x-goog-api-key": "", "api-key": "sk-alice-1" },
    consumer: "alice",
  },
  {
    name: "an empty Bearer token does not decide",
    headers: { authorization: "Bearer  ", "x-api-key": "sk-alice-1" },
    consumer: "alice",
  },
  {
    name: "config: another order",
    config: { headers: ["x-api-key", "authorization"] },
    headers: { "x-api-key": "sk-alice-1", authorization: "Bearer sk-bob-12345" },
    consumer: "alice",
  },
  {
    name: "config: headers that are not named hold no key",
    config: { headers: ["x-api-key"] },
    headers: { authorization: "Bearer sk-alice-1", "api-key": "sk-alice-1" },
    consumer: null,
  },
];

for (const { name, headers, config = {}, consumer } of cases) {
  test(`${consumer === null ? "nobody" : consumer}: ${name}`, async (t) => {
    const plugin = await openPlugin(file, { config, consumers });
    t.after(plugin.close);
    const { effects, exchange, log } = await plugin.call("pre_request", { headers });
    assert.deepEqual(effects, consumer === null ? [] : [{ type: "identify", consumer }]);
    assert.equal(exchange.consumer, consumer);
    assert.deepEqual(log, []);
  });
}

for (const [config, problem] of [
  [{ headers: [] }, "config.headers: must NOT have fewer than 1 items"],
  [
    { headers: ["x-key"] },
    'config.headers.0: must be one of "authorization", "x-api-key", "x-goog-api-key", "api-key"',
  ],
  [{ headers: ["api-key", "api-key"] }, /^config\.headers: must NOT have duplicate items/],
  [{ headers: "api-key" }, "config.headers: must be array"],
  [{ header: ["api-key"] }, 'config.header: unknown key, did you mean "headers"?'],
  [{ constructor: 1 }, "config.constructor: unknown key"],
  [JSON.parse('{"__proto__":{"headers":["api-key"]}}'), "config.__proto__: is no key; choose another name"],
] as const) {
  test(`refused: config ${JSON.stringify(config)}`, async () => {
    await assert.rejects(openPlugin(file, { config }), (thrown) => {
      assert.ok(thrown instanceof PluginRefused);
      if (typeof problem === "string") assert.equal(thrown.message, problem);
      else assert.match(thrown.message, problem);
      return true;
    });
  });
}

for (const state of ["request", "instance"] as const) {
  test(`state ${state}: a request is not identified by the key of another one, before it or beside it`, async (t) => {
    const plugin = await openPlugin(file, { consumers, state });
    t.after(plugin.close);
    const keys = ["sk-alice-1", "", "sk-bob-12345", "sk-mallory", "sk-alice-2", ""];
    const owners = ["alice", null, "bob", null, "alice", null];
    const identify = async (key: string) =>
      (await plugin.call("pre_request", { headers: { "x-api-key": key } })).exchange.consumer;
    for (const [index, key] of keys.entries()) assert.equal(await identify(key), owners[index]);
    assert.deepEqual(await Promise.all(keys.map(identify)), owners);
  });
}

let plugin: OpenPlugin;
before(async () => {
  plugin = await openPlugin(file, { consumers });
});
after(() => plugin.close());

for (const [name, headers, fuel] of [
  ["a known key", { authorization: "Bearer sk-alice-1" }, 200_000],
  ["no key", {}, 100_000],
  ["a value of 10,000 bytes", { authorization: `Bearer ${"x".repeat(10_000)}` }, 1_500_000],
  ["10,000 blanks", { "x-api-key": " ".repeat(10_000) }, 2_000_000],
] as const) {
  test(`${name} costs at most ${fuel} fuel`, async () => {
    const { fuel: used } = await plugin.call("pre_request", { headers });
    assert.ok(used <= fuel, `${used} fuel`);
  });
}
