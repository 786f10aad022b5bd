import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type OpenOptions, openPlugin } from "#sdk/testing/testing.ts";
import { writeSources } from "./source-plugin.ts";

/** A plugin whose handler returns, as JSON in the tag, the value of the expression in it. */
async function open(t: TestContext, body: string, options: OpenOptions = {}) {
  const folder = await writeSources(
    t,
    `import { definePlugin } from "@sandgate/plugin-sdk";
     export default definePlugin({
       name: "made", version: "1.0.0",
       capabilities: ["kv", "counters", "cache", "metrics", "crypto", "secrets", "http"],
       hooks: { pre_request: { reads: ["request.body"], writes: ["tags"] } },
       preRequest({ request }, host) {
         const given: any = request.body;
         const value = (() => { ${body} })();
         return { type: "tag", name: "t", value: JSON.stringify(value ?? null) };
       },
     });`,
  );
  const grants = { kv: true, counters: true, cache: true, http: ["api.example"] };
  // Hundreds of first calls at once take their time where others want the processor too.
  const patience = { limits: { deadlineMs: 60_000 }, most: { deadlineMs: 60_000 } };
  const plugin = await openPlugin(join(folder, "plugin.ts"), { grants, ...patience, ...options });
  t.after(() => plugin.close());
  return {
    plugin,
    async ask(given: unknown = {}): Promise<unknown> {
      const { exchange } = await plugin.call("pre_request", { body: JSON.stringify(given) });
      return JSON.parse(exchange.tags["t"] ?? "");
    },
    /** The message of a call that ends as `error`. */
    async refusal(given: unknown = {}): Promise<string> {
      const { outcome, error } = await plugin.callRaw("pre_request", {
        stage: "pre-request",
        request: { body: given },
      });
      assert.equal(outcome, "error");
      return error ?? "";
    },
  };
}

test("host.kv keeps texts from call to call until they are deleted or expire, whole and of any characters", async (t) => {
  let now = 1_000_000;
  const { ask } = await open(
    t,
    `const { key, value, ttlMs, gone } = given;
     if (gone) host.kv.delete(key);
     else if (value !== undefined) host.kv.set(key, value, ttlMs === undefined ? {} : { ttlMs });
     return host.kv.get(key);`,
    { now: () => now },
  );
  assert.equal(await ask({ key: "a" }), null);
  // Put together at run time, so that the engine has it in parts.
  assert.equal(await ask({ key: "a", value: "é\u0000😀".repeat(100) }), "é\u0000😀".repeat(100));
  assert.equal(await ask({ key: "a" }), "é\u0000😀".repeat(100));
  assert.equal(await ask({ key: "b", value: "short", ttlMs: 50 }), "short");
  now += 51;
  assert.equal(await ask({ key: "b" }), null);
  assert.equal(await ask({ key: "a", gone: true }), null);
  assert.equal(await ask({ key: "a" }), null);
});

test("what kv cannot keep is refused where it is written", async (t) => {
  const { ask } = await open(
    t,
    `const said: string[] = [];
     for (const [value, ttlMs] of [["", 0], ["x", -1], ["x", NaN]] as [string, number][]) {
       try { host.kv.set("k", value, { ttlMs }); } catch (error: any) { said.push(error.name + ": " + error.message); }
     }
     const any: any = host.kv;
     any.set("number", 5); any.set("bytes", new Uint8Array([104, 105])); any.set("half", "a" + ["b", "c"].join(""));
     return [...said, host.kv.get("k"), host.kv.get("number"), host.kv.get("bytes"), host.kv.get("half")];`,
  );
  assert.deepEqual(await ask(), [
    "RangeError: a value has at least one byte; delete the key instead",
    "RangeError: ttlMs is -1; it must be 0 or more",
    "RangeError: ttlMs is NaN; it must be 0 or more",
    null,
    "5",
    "hi",
    "abc",
  ]);
});

test("host.counters counts in both directions, from call to call, to the last safe number", async (t) => {
  const { ask } = await open(
    t,
    "return [host.counters.add('a', given.by), host.counters.get('a'), host.counters.get('b')];",
  );
  assert.deepEqual(await ask({}), [1, 1, 0]);
  assert.deepEqual(await ask({ by: 41 }), [42, 42, 0]);
  assert.deepEqual(await ask({ by: -50 }), [-8, -8, 0]);
  assert.deepEqual(await ask({ by: 2 ** 40 }), [2 ** 40 - 8, 2 ** 40 - 8, 0]);
  assert.deepEqual(await ask({ by: Number.MAX_SAFE_INTEGER }), [
    Number.MAX_SAFE_INTEGER,
    Number.MAX_SAFE_INTEGER,
    0,
  ]);
  const broken = await open(t, "return host.counters.add('a', 0.5);");
  assert.match(await broken.refusal(), /^RangeError: by is 0\.5; it must be a whole number/);
});

test("two hundred calls at once lose no count", async (t) => {
  const { ask } = await open(t, "return host.counters.add('a');");
  const counts = await Promise.all(Array.from({ length: 200 }, () => ask()));
  assert.deepEqual(
    counts.map(Number).sort((left, right) => left - right),
    Array.from({ length: 200 }, (_, index) => index + 1),
  );
});

test("host.cache keeps for a while", async (t) => {
  let now = 1_000_000;
  const { ask } = await open(
    t,
    "if (given.value) host.cache.set('k', given.value, { ttlMs: 1000 }); if (given.gone) host.cache.delete('k'); return host.cache.get('k');",
    { now: () => now },
  );
  assert.equal(await ask({ value: "v" }), "v");
  now += 999;
  assert.equal(await ask(), "v");
  now += 2;
  assert.equal(await ask(), null);
  assert.equal(await ask({ value: "w" }), "w");
  assert.equal(await ask({ gone: true }), null);
});

test("host.metrics counts, sets and observes, with labels", async (t) => {
  const { plugin, ask } = await open(
    t,
    "host.metrics.count('seen_total'); host.metrics.count('seen_total', 2, { kind: 'a' }); host.metrics.gauge('depth', -1.5); host.metrics.observe('size', 0.25, { kind: 'b' });",
  );
  await ask();
  assert.deepEqual(
    plugin.metrics.map(({ type, name, value, labels }) => [type, name, value, labels]),
    [
      ["counter", "seen_total", 1, {}],
      ["counter", "seen_total", 2, { kind: "a" }],
      ["gauge", "depth", -1.5, {}],
      ["histogram", "size", 0.25, { kind: "b" }],
    ],
  );
});

test("host.crypto gives what Node's crypto gives, also for bytes", async (t) => {
  const { ask } = await open(
    t,
    `const bytes = new Uint8Array([0, 255, 128]);
     return [
       host.crypto.hash("sha-256", "é"), host.crypto.hash("sha-512", bytes, "base64"), host.crypto.hash("sha-1", "", "base64url"),
       host.crypto.hmac("sha-256", "key", "data"), host.crypto.hmac("sha-384", bytes, bytes, "base64url"),
       host.crypto.equal("abc", "abc"), host.crypto.equal("abc", "abd"), host.crypto.equal("", "a"),
     ];`,
  );
  const bytes = Buffer.from([0, 255, 128]);
  assert.deepEqual(await ask(), [
    createHash("sha256").update("é").digest("hex"),
    createHash("sha512").update(bytes).digest("base64"),
    createHash("sha1").update("").digest("base64url"),
    createHmac("sha256", "key").update("data").digest("hex"),
    createHmac("sha384", bytes).update(bytes).digest("base64url"),
    true,
    false,
    false,
  ]);
});

test("a secret signs and is sent without the plugin ever holding it", async (t) => {
  const secret = "a-secret-of-some-length";
  const { plugin, ask } = await open(
    t,
    `const key = host.secrets.reference("signing");
     const { status, body } = host.http.request({ url: "https://api.example/", headers: { "x-key": key }, body: new Uint8Array([104, 105]) });
     return [key, host.crypto.hmac("sha-256", key, "data"),
       host.crypto.verify("HS256", { key, signature: host.crypto.hmac("sha-256", key, "data", "base64url"), data: "data" }),
       host.crypto.verify("HS256", { key, signature: "AAAA", data: "data" }), status, body];`,
    {
      grants: { kv: true, counters: true, cache: true, http: ["api.example"], secrets: ["signing"] },
      secrets: { signing: secret },
      http: ({ body }) => ({ status: 201, body: `got ${body}` }),
    },
  );
  assert.deepEqual(await ask(), [
    "{{secret:signing}}",
    createHmac("sha256", secret).update("data").digest("hex"),
    true,
    false,
    201,
    "got hi",
  ]);
  assert.equal(JSON.stringify(plugin.http.requests).includes(secret), false);
});
