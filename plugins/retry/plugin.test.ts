import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type Given, type OpenOptions, openPlugin, PluginRefused } from "@sandgate/plugin-sdk/testing";

const file = join(import.meta.dirname, "../retry.wasm");
type Config = NonNullable<OpenOptions["config"]>;

const busy: Given = { attempt: 1, error: { code: "upstream_error", upstreamStatus: 503 } };

async function delays(config: Config, given: Given): Promise<(number | undefined)[]> {
  await using plugin = await openPlugin(file, { config });
  const calls = await Promise.all(Array.from({ length: 40 }, () => plugin.call("error", given)));
  return calls.flatMap(({ effects }) =>
    effects.map((effect) => ("delayMs" in effect ? effect.delayMs : undefined)),
  );
}

test("pauses grow twofold up to the longest, and are between half and the whole of it", async () => {
  for (const [attempt, most] of [
    [1, 100],
    [2, 200],
    [3, 400],
    [4, 500],
    [5, 500],
  ] as const) {
    const found = await delays({ attempts: 10, firstMs: 100, longestMs: 500 }, { ...busy, attempt });
    assert.equal(found.length, 40);
    for (const delay of found)
      assert.ok(delay !== undefined && delay >= most / 2 && delay <= most, `${delay}`);
    assert.ok(new Set(found).size > 5, "they differ");
  }
});

test("a target that says when to come back is not asked before", async () => {
  for (const headers of [
    { "retry-after": "3" },
    { "retry-after-ms": "2999.5" },
    { "retry-after-ms": "3000", "retry-after": "60" },
  ]) {
    const found = await delays({ firstMs: 100 }, { ...busy, response: { status: 503, headers } });
    assert.deepEqual(new Set(found), new Set([3_000]));
  }
});

test("a retry-after that is none is as if it was not there", async () => {
  for (const value of ["", "soon", "-1", "1e3", "0x10"]) {
    const found = await delays(
      { firstMs: 0 },
      { ...busy, response: { status: 503, headers: { "retry-after": value } } },
    );
    assert.deepEqual(new Set(found), new Set([0]), value);
  }
});

const not: readonly (readonly [string, Config, Given])[] = [
  ["after the last attempt", { attempts: 2 }, { ...busy, attempt: 2 }],
  ["a status that is not listed", { statuses: [500] }, busy],
  ["a mistake of the client", {}, { ...busy, error: { code: "upstream_error", upstreamStatus: 400 } }],
  ["a timeout, unless it is listed", {}, { attempt: 1, error: { code: "upstream_timeout" } }],
  ["a plugin's failure", {}, { attempt: 1, error: { code: "plugin_failed" } }],
  ["what failed before an upstream was asked", {}, { error: { code: "upstream_unreachable" } }],
  [
    "a wait that is too long",
    { longestMs: 1_000 },
    { ...busy, response: { status: 503, headers: { "retry-after": "2" } } },
  ],
];

for (const [name, config, given] of not) {
  test(`not repeated: ${name}`, async () => assert.deepEqual(await delays(config, given), []));
}

test("what is listed is repeated, at the target that the config says", async () => {
  await using plugin = await openPlugin(file, {
    config: { codes: ["upstream_timeout"], statuses: [404], target: "same" },
  });
  for (const error of [
    { code: "upstream_timeout" },
    { code: "upstream_error", upstreamStatus: 404 },
  ] as const) {
    const { effects } = await plugin.call("error", { attempt: 1, error });
    assert.partialDeepStrictEqual(effects, [{ type: "retry", target: "same" }]);
  }
});

for (const [config, problem] of [
  [{ attempts: 1 }, /config\.attempts: must be >= 2/],
  [{ statuses: [200] }, /config\.statuses\.0: must be >= 400/],
  [{ codes: ["plugin_failed"] }, /config\.codes\.0: must be one of/],
  [{ statuses: [], codes: [] }, /with none there is nothing to retry/],
] as const) {
  test(`refused: config ${JSON.stringify(config)}`, async () => {
    const written = structuredClone(config) as unknown as Config;
    await assert.rejects(openPlugin(file, { config: written }), (thrown) => {
      assert.ok(thrown instanceof PluginRefused);
      assert.match(thrown.message, problem);
      return true;
    });
  });
}
