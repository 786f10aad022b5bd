import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { printPath } from "#config/problem.ts";
import type { BindingConfig, GatewayConfig } from "#config/schema.ts";
import { mergeJson } from "#host/resolve/merge.ts";
import { createResolver, type Plan, type Resolver } from "#host/resolve/plan.ts";
import { anyConfig, anyConsumer, anyRoute, manifests } from "./arbitrary.ts";
import { everyStep } from "./case-file.ts";
import { mergedOver, plainBatches, plainConflicts } from "./plain-plan.ts";

const merging = anyConfig({ harmless: true, merging: true });
const runs = { numRuns: 400, seed: 20_261_126 };

function resolverOf(config: GatewayConfig): Resolver {
  const resolved = createResolver(config, manifests);
  assert.ok("resolver" in resolved, JSON.stringify(resolved));
  return resolved.resolver;
}

function everyPlan({ plan }: Resolver, { routes, consumers }: GatewayConfig): Plan[] {
  const named = Object.keys(routes).flatMap((route) =>
    [null, ...Object.keys(consumers)].map((consumer) => plan(route, consumer)),
  );
  return [plan(null, null), ...named];
}

test("every merged plan is the one that a plain fold over the levels gives, to the last member of every config", () => {
  let merged = 0;
  fc.assert(
    fc.property(merging, anyRoute, anyConsumer, (config, route, consumer) => {
      const plan = resolverOf(config).plan(route, consumer);
      const lists = {
        pre_request: plan.preRequest,
        post_request: plan.postRequest,
        error: plan.error,
      } as const;
      for (const hook of ["pre_request", "post_request", "error"] as const) {
        const plain = plainBatches(config, manifests, { route, consumer, hook });
        assert.deepEqual(
          lists[hook].map((batch) =>
            batch.map(({ key, priority, mode, binding }) => ({ key, priority, mode, ...facts(binding) })),
          ),
          plain.map((batch) =>
            batch.map(({ key, priority, mode, ...rest }) => ({ key, priority, mode, ...facts(rest) })),
          ),
        );
      }
      merged += everyStep(plan).filter(({ binding }) => binding.sources.length > 1).length;
    }),
    runs,
  );
  assert.ok(merged > 500, `${merged} merged steps`);
});

function facts({ id, order, config }: { id: string; order: number; config: unknown }): object {
  return { id, order, config };
}

test("what the resolver starts is exactly what its plans hold, and one chain of bindings is one object", () => {
  fc.assert(
    fc.property(merging, (config) => {
      const resolver = resolverOf(config);
      const inPlans = new Set(
        everyPlan(resolver, config)
          .flatMap(everyStep)
          .map(({ binding }) => binding),
      );
      assert.deepEqual(new Set(resolver.bindings), inPlans);
      const keys = resolver.bindings.map(({ key }) => key);
      assert.equal(new Set(keys).size, keys.length, "every key is one binding's");
      for (const { key, sources, path, level } of resolver.bindings) {
        assert.equal(key, sources.map((source) => printPath(source.path)).join("+"));
        assert.equal(path, sources.at(-1)?.path);
        assert.equal(level, sources.at(-1)?.level);
      }
    }),
    runs,
  );
});

test("exactly the conflicts of plans that can exist are reported, whatever they inherit", () => {
  let conflicting = 0;
  fc.assert(
    fc.property(anyConfig({ harmless: false, merging: true }), (config) => {
      const resolved = createResolver(config, manifests);
      const reported = "problems" in resolved ? resolved.problems : [];
      const pairs = reported.map(({ path, message }) =>
        [printPath(path), /parallel with ([^:]+):/.exec(message)?.[1]].sort().join(" "),
      );
      const expected = plainConflicts(config, manifests);
      if (expected.size > 0) conflicting += 1;
      assert.deepEqual(pairs.sort(), [...expected].sort());
    }),
    { ...runs, numRuns: 1_000 },
  );
  assert.ok(conflicting > 100 && conflicting < 990, `${conflicting} of 1000 configs had conflicts`);
});

test("a lock is never bypassed: in a config that is accepted, every plan below has the locked binding", () => {
  let locked = 0;
  let refused = 0;
  fc.assert(
    fc.property(anyConfig({ harmless: true, merging: true, locking: true }), (config) => {
      const resolved = createResolver(config, manifests);
      if ("problems" in resolved) {
        refused += 1;
        for (const { message } of resolved.problems) assert.match(message, / locks(:|$)/);
        return;
      }
      for (const plan of everyPlan(resolved.resolver, config)) {
        for (const { binding, path } of lockedFor(config, plan)) {
          locked += 1;
          const steps = everyStep(plan).filter((step) => step.binding.id === binding.id);
          if (binding.enabled === false) assert.deepEqual(steps, []);
          for (const step of steps) assert.equal(printPath(step.binding.path), path);
          assert.equal(steps.length > 0, binding.enabled !== false && hasHooks(binding));
        }
      }
    }),
    { ...runs, numRuns: 1_500 },
  );
  assert.ok(locked > 300 && refused > 300, `${locked} locked, ${refused} configs refused`);
});

function hasHooks({ plugin }: BindingConfig): boolean {
  return Object.keys(manifests.get(plugin)?.hooks ?? {}).length > 0;
}

/** Every locked binding of the levels that a plan is made of. */
function lockedFor(
  config: GatewayConfig,
  { route, consumer }: Plan,
): { binding: BindingConfig; path: string }[] {
  const service = route === null ? undefined : config.routes[route]?.service;
  const groups = consumer === null ? [] : (config.consumers[consumer]?.groups ?? []);
  const owners = [
    { path: "gateway", use: config.gateway.use },
    { path: `services.${service}`, use: config.services[service ?? ""]?.use },
    { path: `routes.${route}`, use: config.routes[route ?? ""]?.use },
    ...groups.map((group) => ({ path: `consumerGroups.${group}`, use: config.consumerGroups[group]?.use })),
    { path: `consumers.${consumer}`, use: config.consumers[consumer ?? ""]?.use },
  ];
  return owners.flatMap(({ path, use = [] }) =>
    use.flatMap((binding, index) => (binding.lock ? [{ binding, path: `${path}.use.${index}` }] : [])),
  );
}

const leaf = fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.array(fc.integer(), { maxLength: 2 }));
const anyKey = fc.constantFrom("a", "b", "toString", "constructor");
const { shape } = fc.letrec((tie) => ({
  shape: fc.dictionary(anyKey, fc.oneof({ maxDepth: 3 }, leaf, tie("shape")), { noNullPrototype: true }),
}));

test("merging is what a plain fold does, changes nothing that it merges, and merging with nothing changes nothing", () => {
  fc.assert(
    fc.property(shape, shape, (general, specific) => {
      const before = structuredClone([general, specific]);
      const merged = mergeJson(general as never, specific as never);
      assert.deepEqual(merged, mergedOver(general, specific));
      assert.deepEqual([general, specific], before);
      assert.deepEqual(mergeJson(general as never, {}), general);
      assert.deepEqual(mergeJson({}, specific as never), specific);
    }),
    runs,
  );
});

test("merging is associative where all levels agree on what is a map", () => {
  const agreeing = fc.record(
    {
      a: leaf,
      b: fc.record(
        { a: leaf, c: fc.record({ d: leaf }, { requiredKeys: [] }) },
        { requiredKeys: [], noNullPrototype: true },
      ),
    },
    { requiredKeys: [], noNullPrototype: true },
  );
  fc.assert(
    fc.property(agreeing, agreeing, agreeing, (one, two, three) => {
      const merge = (a: unknown, b: unknown) => mergeJson(a as never, b as never);
      assert.deepEqual(merge(merge(one, two), three), merge(one, merge(two, three)));
    }),
    runs,
  );
});
