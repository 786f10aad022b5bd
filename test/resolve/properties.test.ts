import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { printPath } from "#config/problem.ts";
import { type BindingConfig, configSchema, type GatewayConfig } from "#config/schema.ts";
import { createResolver, type Plan, type Resolver } from "#host/resolve/plan.ts";
import type { StageHook } from "#sdk/abi/hooks.ts";
import { anyConfig, anyConsumer, anyId, anyRoute, manifests } from "./arbitrary.ts";
import { everyStep, printPlan, printStep } from "./case-file.ts";
import { plainBatches, plainConflicts, plainName } from "./plain-plan.ts";

const harmless = anyConfig({ harmless: true });
const runs = { numRuns: 300, seed: 20_261_124 };

const emptyConfig = configSchema.parse({ services: { s: { provider: "mock" } } });

function resolverOf(config: GatewayConfig): Resolver {
  const resolved = createResolver(config, manifests);
  assert.ok("resolver" in resolved, "a config without conflicts resolves");
  return resolved.resolver;
}

function withConsumerBinding(config: GatewayConfig, consumer: string, binding: BindingConfig): GatewayConfig {
  const before = config.consumers[consumer];
  const use = (before?.use ?? []).filter(({ id }) => id !== binding.id);
  return { ...config, consumers: { ...config.consumers, [consumer]: { ...before, use: [...use, binding] } } };
}

function idsOf(plan: Plan): string[] {
  return everyStep(plan).map(({ binding, hook }) => `${hook} ${binding.id}`);
}

test("every plan is the one that a plain reading of the rules gives", () => {
  fc.assert(
    fc.property(harmless, anyRoute, anyConsumer, (config, route, consumer) => {
      const plan = resolverOf(config).plan(route, consumer);
      const plain = (hook: StageHook) =>
        plainBatches(config, manifests, { route, consumer, hook }).map((batch) => batch.map(plainName));
      assert.deepEqual(
        [plan.preRequest, plan.postRequest, plan.error].map((list) =>
          list.map((batch) => batch.map(printStep)),
        ),
        [plain("pre_request"), plain("post_request"), plain("error")],
      );
      // Each sees what the one before has left of an event, so they are one list.
      assert.deepEqual(plan.events.map(printStep), plain("post_request_event").flat());
    }),
    runs,
  );
});

test("exactly the conflicts of plans that can exist are reported", () => {
  let conflicting = 0;
  fc.assert(
    fc.property(anyConfig({ harmless: false }), (config) => {
      const resolved = createResolver(config, manifests);
      const reported = "problems" in resolved ? resolved.problems : [];
      const pairs = reported.map(({ path, message }) =>
        [printPath(path), /parallel with ([^:]+):/.exec(message)?.[1]].sort().join(" "),
      );
      const expected = plainConflicts(config, manifests);
      if (expected.size > 0) conflicting += 1;
      assert.deepEqual(pairs.sort(), [...expected].sort());
    }),
    runs,
  );
  assert.ok(conflicting > 50 && conflicting < 295, `${conflicting} of 300 configs had conflicts`);
});

test("the order of steps does not depend on the order in the file", () => {
  fc.assert(
    fc.property(harmless, anyRoute, anyConsumer, (config, route, consumer) => {
      const turned = structuredClone(config);
      const owners = [turned.services, turned.routes, turned.consumerGroups, turned.consumers];
      for (const { use } of [turned.gateway, ...owners.flatMap((each) => Object.values(each))])
        use?.reverse();
      const [plan, turnedPlan] = [config, turned].map((each) => resolverOf(each).plan(route, consumer));
      assert.ok(plan && turnedPlan);
      assert.deepEqual(printPlan(turnedPlan), printPlan(plan));
    }),
    runs,
  );
});

test("a consumer's binding wins over all others of its id and moves no other step", () => {
  fc.assert(
    fc.property(harmless, anyRoute, anyId, (config, route, id) => {
      const changed = withConsumerBinding(config, "x", { plugin: "quiet", id });
      const before = idsOf(resolverOf(config).plan(route, "x"));
      const plan = resolverOf(changed).plan(route, "x");
      const levelsOfId = everyStep(plan)
        .filter(({ binding }) => binding.id === id)
        .map(({ binding }) => binding.level);
      assert.deepEqual(levelsOfId, ["consumer", "consumer", "consumer", "consumer"]);
      const others = (names: string[]) => names.filter((name) => !name.endsWith(` ${id}`));
      assert.deepEqual(others(idsOf(plan)), others(before));
    }),
    runs,
  );
});

test("disabling an id removes its steps and nothing else, for that consumer alone", () => {
  fc.assert(
    fc.property(harmless, anyRoute, anyId, (config, route, id) => {
      const changed = resolverOf(withConsumerBinding(config, "x", { plugin: "plain", id, enabled: false }));
      const original = resolverOf(config);
      const kept = idsOf(original.plan(route, "x")).filter((name) => !name.endsWith(` ${id}`));
      assert.deepEqual(idsOf(changed.plan(route, "x")), kept);
      for (const consumer of [null, "toString"]) {
        assert.deepEqual(printPlan(changed.plan(route, consumer)), printPlan(original.plan(route, consumer)));
      }
    }),
    runs,
  );
});

test("the resolver's bindings are exactly those of all plans", () => {
  fc.assert(
    fc.property(harmless, (config) => {
      const resolver = resolverOf(config);
      const plans = [resolver.plan(null, null)];
      for (const route of Object.keys(config.routes)) {
        for (const consumer of [null, ...Object.keys(config.consumers)])
          plans.push(resolver.plan(route, consumer));
      }
      const used = new Set(plans.flatMap(everyStep).map(({ key }) => key));
      assert.deepEqual(resolver.bindings.map(({ path }) => printPath(path)).sort(), [...used].sort());
    }),
    runs,
  );
});

test("a path that is served reads the same for the standard URL parser, and starts with its prefix", () => {
  const alphabet = [..."/.%2eEfF5cC;aA:\\ ?#|\t\u00e9", "%2e", "/..", "%41", "%3A", "/v1"];
  const anyPath = fc
    .array(fc.constantFrom(...alphabet), { maxLength: 12 })
    .map((parts) => `/${parts.join("")}`);
  const { match } = resolverOf({
    ...emptyConfig,
    routes: {
      all: { match: { paths: ["/*"] }, service: "s" },
      v1: { match: { paths: ["/v1/*", "/a:/*"] }, service: "s" },
    },
  });
  const decoded = (path: string) =>
    path.replace(/%../g, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
  let served = 0;
  fc.assert(
    fc.property(anyPath, (path) => {
      const found = match({ method: "GET", path, host: "h", headers: {}, model: () => undefined });
      if (found.kind !== "route") return;
      served += 1;
      assert.ok(path.startsWith(found.prefix) && path.slice(found.prefix.length).startsWith("/"));
      assert.equal(decoded(new URL(`http://h${path}`).pathname), decoded(path));
      assert.equal(decoded(decoded(path)), decoded(path), "decoding twice gives nothing new");
    }),
    { ...runs, numRuns: 5_000 },
  );
  assert.ok(served > 300, `${served} of 5000 paths were served`);
});
