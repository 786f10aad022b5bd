import assert from "node:assert/strict";
import { test } from "node:test";
import { configLimits } from "#config/limits.ts";
import { everyStep, type ResolveCase, resolve } from "./case-file.ts";

type Config = ResolveCase["config"];

const plugins: ResolveCase["plugins"] = {
  limit: { hooks: { pre_request: {} } },
  log: { hooks: { post_request: {} } },
};

function many(count: number, entry: (index: number) => Config): Config {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, entry(index)]));
}

function route(index: number, use: Config[]): Config {
  return { match: { paths: [`/r${index}`] }, service: "demo", use };
}

test("10,000 routes and 10,000 consumers, all of which merge, make no more bindings than are written", () => {
  const resolved = resolve({
    plugins,
    config: {
      gateway: {
        use: [
          { plugin: "limit", config: { a: 1 } },
          { plugin: "log", config: { b: 1 } },
        ],
      },
      routes: many(10_000, (index) => route(index, [{ plugin: "log", inherit: "merge", config: { index } }])),
      consumerGroups: { gold: { use: [{ plugin: "limit", inherit: "merge", config: { gold: 1 } }] } },
      consumers: many(10_000, (index) => ({
        groups: ["gold"],
        use: [{ plugin: "limit", inherit: "merge", config: { index } }],
      })),
    },
  });
  assert.ok("resolver" in resolved, JSON.stringify(resolved));
  const { plan, bindings } = resolved.resolver;
  assert.equal(bindings.length, 20_002);
  const configs = everyStep(plan("n9999", "n9998")).map(({ binding }) => binding.config);
  assert.deepEqual(configs, [
    { a: 1, gold: 1, index: 9_998 },
    { b: 1, index: 9_999 },
  ]);
});

function multiplied(routes: number, consumers: number) {
  return resolve({
    plugins,
    config: {
      routes: many(routes, (index) => route(index, [{ plugin: "limit", config: { index } }])),
      consumers: many(consumers, (index) => ({
        use: [{ plugin: "limit", inherit: "merge", config: { consumer: index } }],
      })),
    },
  });
}

test("what merging multiplies is bounded, and one more is refused with the id and what to do", () => {
  const { mergedBindings } = configLimits;
  const fits = multiplied(mergedBindings / 100 + 1, 100);
  assert.ok("resolver" in fits);
  assert.equal(fits.resolver.bindings.length, mergedBindings / 100 + 1 + mergedBindings + 100);
  assert.deepEqual(multiplied(mergedBindings / 100 + 2, 100), {
    problems: [
      {
        path: ["consumers", "n0", "use", 0, "inherit"],
        message: `100 bindings of groups and consumers merge over ${mergedBindings / 100 + 2} different ones that routes have under the id "limit", and merging may add ${mergedBindings}: let them replace, or bind the id at fewer routes`,
      },
    ],
  });
});

test("10,000 routes x 10,000 merging consumers are refused before any of them is made", () => {
  const resolved = multiplied(10_000, 10_000);
  assert.ok("problems" in resolved);
  assert.match(resolved.problems[0]?.message ?? "", /^10000 bindings .* over 10000 different ones/);
});
