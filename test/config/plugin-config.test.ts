import assert from "node:assert/strict";
import { test } from "node:test";
import { configLimits } from "#config/limits.ts";
import { checkPluginConfig } from "#config/plugin-config.ts";
import type { BindingConfig } from "#config/schema.ts";

type Config = NonNullable<BindingConfig["config"]>;

const rateLimit = {
  type: "object",
  additionalProperties: false,
  required: ["per"],
  properties: {
    requests: { type: "integer", minimum: 1, default: 60 },
    per: { enum: ["second", "minute", "hour"] },
    rules: {
      type: "array",
      items: { type: "object", properties: { on: { type: "boolean", default: true } } },
    },
  },
};

function problems(schema: object, config: Config): unknown[] {
  const checked = checkPluginConfig(schema as Record<string, unknown>, config);
  return checked.ok ? [] : [...checked.problems];
}

test("defaults are filled in, in a copy", () => {
  const given = { per: "minute", rules: [{}] };
  assert.deepEqual(checkPluginConfig(rateLimit, given), {
    ok: true,
    config: { per: "minute", requests: 60, rules: [{ on: true }] },
  });
  assert.deepEqual(given, { per: "minute", rules: [{}] });
});

test("every problem at once, with its path and what was meant", () => {
  assert.deepEqual(problems(rateLimit, { pre: "minute", requests: 0, rules: [{ on: 1 }] }), [
    { path: ["per"], message: "is missing" },
    { path: ["pre"], message: "unknown key", hint: "per" },
    { path: ["requests"], message: "must be >= 1" },
    { path: ["rules", 0, "on"], message: "must be boolean" },
  ]);
  assert.deepEqual(problems(rateLimit, { per: "minut" }), [
    { path: ["per"], message: 'must be one of "second", "minute", "hour"', hint: "minute" },
  ]);
});

test("keys with slashes, tildes and digits keep their path", () => {
  const schema = { additionalProperties: { type: "object", additionalProperties: { type: "number" } } };
  assert.deepEqual(problems(schema, { "a/b~c": { "0": "x" } }), [
    { path: ["a/b~c", "0"], message: "must be number" },
  ]);
});

test("a placeholder becomes the number or boolean that the schema wants, other text does not", () => {
  const config = { per: "hour", requests: "5", rules: [{ on: "false" }] };
  const typed = checkPluginConfig(rateLimit, config, { isPlaceholder: () => true });
  assert.deepEqual(typed, { ok: true, config: { per: "hour", requests: 5, rules: [{ on: false }] } });
  const one = checkPluginConfig(rateLimit, config, { isPlaceholder: (path) => path[0] === "requests" });
  assert.deepEqual(!one.ok && one.problems, [{ path: ["rules", 0, "on"], message: "must be boolean" }]);
  assert.equal(problems(rateLimit, config).length, 2);
});

test("a placeholder stays text where the schema wants text", () => {
  const schema = { properties: { key: { type: "string" } } };
  const checked = checkPluginConfig(schema, { key: "12345678" }, { isPlaceholder: () => true });
  assert.deepEqual(checked, { ok: true, config: { key: "12345678" } });
});

const twice = (name: string) => ({ allOf: [{ $ref: `#/$defs/${name}` }, { $ref: `#/$defs/${name}` }] });

const endless: readonly { name: string; schema: object; config: Config }[] = [
  {
    name: "a pattern of nested quantifiers",
    schema: { properties: { a: { type: "string", pattern: "^(a+)+$" } } },
    config: { a: `${"a".repeat(40)}!` },
  },
  {
    name: "such a pattern for keys",
    schema: { patternProperties: { "^(a|a)*$": true } },
    config: { [`${"a".repeat(40)}!`]: 1 },
  },
  {
    name: "references that double 40 times",
    schema: {
      $defs: Object.fromEntries(
        Array.from({ length: 41 }, (_, index) => [`d${index}`, index === 40 ? {} : twice(`d${index + 1}`)]),
      ),
      $ref: "#/$defs/d0",
    },
    config: {},
  },
];

for (const { name, schema, config } of endless) {
  test(`${name} ends at the time limit, and the next check works`, () => {
    const startedMs = performance.now();
    const [problem] = problems(schema, config) as { path: unknown[]; message: string }[];
    const tookMs = performance.now() - startedMs;
    assert.match(problem?.message ?? "", /^the plugin's configSchema takes longer than 200 ms/);
    assert.deepEqual(problem?.path, []);
    assert.ok(tookMs < configLimits.schemaCheckMs + 2_000, `${tookMs} ms`);
    assert.deepEqual(problems(rateLimit, { per: "hour" }), []);
  });
}

test("a schema that ran out of time once, or found a problem, checks the next config as if it were the first", () => {
  const schema = {
    properties: { a: { type: "string", pattern: "^(a+)+$" }, b: { type: "integer", default: 7 } },
  };
  const given = { a: "aaa" };
  for (const config of [given, { a: `${"a".repeat(40)}!` }, given, { a: "b" }, given]) {
    const checked = checkPluginConfig(schema, config);
    if (config === given) assert.deepEqual(checked, { ok: true, config: { a: "aaa", b: 7 } });
    else assert.equal(checked.ok, false);
  }
  assert.deepEqual(given, { a: "aaa" });
});

test("a check that a busy machine has kept waiting is made once more", () => {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  let waits = 1;
  const isPlaceholder = () => {
    // The thread sleeps, as one does that others do not let run.
    if (waits-- > 0) Atomics.wait(cell, 0, 0, configLimits.schemaCheckMs + 100);
    return true;
  };
  const schema = { properties: { n: { type: "integer" } } };
  assert.deepEqual(checkPluginConfig(schema, { n: "5" }, { isPlaceholder }), { ok: true, config: { n: 5 } });
  waits = 2;
  assert.equal(checkPluginConfig(schema, { n: "5" }, { isPlaceholder }).ok, false);
});

const nested = (levels: number): object => (levels === 0 ? {} : { not: nested(levels - 1) });

const unfit: readonly { name: string; schema: object; reason: RegExp }[] = [
  { name: "a type that does not exist", schema: { type: "objekt" }, reason: /\/type must be equal to one/ },
  {
    name: "a misspelled keyword",
    schema: { type: "object", propertys: {} },
    reason: /unknown keyword: "propertys"/,
  },
  {
    name: "an unknown format",
    schema: { properties: { a: { type: "string", format: "foo" } } },
    reason: /unknown format "foo"/,
  },
  {
    name: "a pattern that is none",
    schema: { properties: { a: { pattern: "(" } } },
    reason: /format "regex"|Invalid regular/,
  },
  {
    name: "another dialect",
    schema: { $schema: "http://json-schema.org/draft-07/schema#" },
    reason: /\$schema other than/,
  },
  {
    name: "a remote reference",
    schema: { properties: { a: { $ref: "https://evil.example/x.json" } } },
    reason: /a \$ref starts with #/,
  },
  { name: "a reference to a file", schema: { $ref: "file:///etc/passwd" }, reason: /a \$ref starts with #/ },
  { name: "a reference to nothing", schema: { $ref: "#/$defs/none" }, reason: /can't resolve reference/ },
  { name: "a reference to itself", schema: { $ref: "#" }, reason: /call stack/ },
  { name: "an asynchronous schema", schema: { $async: true }, reason: /must not contain "\$async"/ },
  {
    name: "__proto__",
    schema: JSON.parse('{"properties":{"__proto__":{"default":{"x":1}}}}'),
    reason: /must not contain "__proto__"/,
  },
  { name: "33 levels", schema: nested(33), reason: /nested deeper than 32/ },
  {
    name: "5,000 levels",
    schema: JSON.parse(`${'{"not":'.repeat(5_000)}{}${"}".repeat(5_000)}`),
    reason: /nested deeper than 32/,
  },
  {
    name: "100 KB",
    schema: { description: "x".repeat(100_000) },
    reason: /has 100018 bytes, the limit is 65536/,
  },
];

for (const { name, schema, reason } of unfit) {
  test(`a schema with ${name} is refused for itself`, () => {
    const [problem, ...others] = problems(schema, { a: "x" }) as { path: unknown[]; message: string }[];
    assert.match(problem?.message ?? "", reason);
    assert.match(problem?.message ?? "", /^the plugin's configSchema /);
    assert.deepEqual([problem?.path, others], [[], []]);
  });
}

test("keys of Object.prototype are neither present nor missing by accident", () => {
  const schema = { required: ["constructor"], properties: { toString: { type: "number", default: 1 } } };
  assert.deepEqual(problems(schema, {}), [{ path: ["constructor"], message: "is missing" }]);
  assert.deepEqual(checkPluginConfig(schema, { constructor: "x" }), {
    ok: true,
    config: { constructor: "x", toString: 1 },
  });
});

test("names and defaults of a schema are data, never code", () => {
  const name = '"];globalThis.broken=true;//';
  const schema = { properties: { [name]: { type: "string", default: name } } };
  assert.deepEqual(checkPluginConfig(schema, {}), { ok: true, config: { [name]: name } });
  assert.equal("broken" in globalThis, false);
});

test("a schema that fails a thousand times reports fifty", () => {
  const config = { list: Array.from({ length: 1_000 }, () => 1) };
  assert.equal(problems({ properties: { list: { items: { type: "string" } } } }, config).length, 50);
});
