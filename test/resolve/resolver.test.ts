import assert from "node:assert/strict";
import { test } from "node:test";
import { configLimits } from "#config/limits.ts";
import type { ConfigProblem } from "#config/schema.ts";
import type { MatchRequest, Resolver } from "#host/resolve/plan.ts";
import { everyStep, type ResolveCase, resolve } from "./case-file.ts";

type Config = ResolveCase["config"];

const plugins: ResolveCase["plugins"] = {
  limit: { hooks: { pre_request: {}, post_request: { mode: "parallel" } } },
  body: { hooks: { pre_request: { mode: "parallel", writes: ["request.body"] } } },
};
const request: MatchRequest = {
  method: "POST",
  path: "/a",
  host: "localhost",
  headers: {},
  model: () => assert.fail("nobody asked for the model"),
};

function resolverOf(config: Config): Resolver {
  const resolved = resolve({ config, plugins });
  assert.ok("resolver" in resolved, JSON.stringify(resolved));
  return resolved.resolver;
}

function problemsOf(config: Config): readonly ConfigProblem[] {
  const resolved = resolve({ config, plugins });
  assert.ok("problems" in resolved, "the config has no problems");
  return resolved.problems;
}

function many(count: number, entry: (index: number) => Config): Config {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, entry(index)]));
}

function route(match: Config, use: Config[] = []): Config {
  return { match, service: "demo", use };
}

test("the body is not parsed for routes that do not look at it", () => {
  const { match } = resolverOf({
    routes: {
      model: route({ paths: ["/other"], models: ["m"] }),
      host: route({ paths: ["/a"], models: ["m"], hosts: ["h"] }),
      header: route({ paths: ["/a"], models: ["m"], headers: { x: "1" } }),
      below: route({ paths: ["/*"], models: ["m"] }),
      plain: route({ paths: ["/a"] }),
    },
  });
  assert.deepEqual(match(request), { kind: "route", route: "plain", prefix: "" });
});

test("the body is parsed once, however many routes look at it", () => {
  const { match } = resolverOf({
    routes: {
      exact: route({ paths: ["/a"], models: ["m"] }),
      begin: route({ paths: ["/a"], models: ["n*"] }),
      post: route({ paths: ["/a"], models: ["m"], methods: ["POST"] }),
      below: route({ paths: ["/*"], models: ["o"] }),
    },
  });
  let calls = 0;
  const model = () => {
    calls += 1;
    return undefined;
  };
  assert.deepEqual(match({ ...request, model }), { kind: "none" });
  assert.equal(calls, 1);
});

test("a path of thousands of segments finds its prefix", () => {
  const deep = "/a".repeat(4_000);
  const { match } = resolverOf({
    routes: { root: route({ paths: ["/*"] }), deep: route({ paths: [`${deep}/*`] }) },
  });
  assert.deepEqual(match({ ...request, path: `${deep}/b` }), { kind: "route", route: "deep", prefix: deep });
  assert.deepEqual(match({ ...request, path: deep }), { kind: "route", route: "root", prefix: "" });
});

test("among 10,000 routes of every kind each finds its own", () => {
  const kinds: ((index: number) => Config)[] = [
    (index) => ({ paths: [`/p${index}/*`] }),
    (index) => ({ paths: ["/same/*"], hosts: [`h${index}.example`] }),
    (index) => ({ paths: ["/same/*"], models: [`m${index}`] }),
    (index) => ({ paths: ["/same/*"], headers: { "x-team": `t${index}` } }),
  ];
  const { match } = resolverOf({ routes: many(10_000, (index) => route(kinds[index % 4]?.(index) ?? {})) });
  const find = (changes: Partial<MatchRequest>) => match({ ...request, model: () => undefined, ...changes });
  const same = { path: "/same/x" };
  assert.deepEqual(find({ path: "/p9996/x" }), { kind: "route", route: "n9996", prefix: "/p9996" });
  assert.deepEqual(find({ ...same, host: "h9997.example" }), {
    kind: "route",
    route: "n9997",
    prefix: "/same",
  });
  assert.deepEqual(find({ ...same, model: () => "m9998" }), {
    kind: "route",
    route: "n9998",
    prefix: "/same",
  });
  const headers = { "x-team": "t9999" };
  assert.deepEqual(find({ ...same, headers }), { kind: "route", route: "n9999", prefix: "/same" });
  assert.deepEqual(find(same), { kind: "none" });
});

test("a plan is compiled once and cannot be changed", () => {
  const { plan } = resolverOf({
    gateway: { use: [{ plugin: "limit" }, { plugin: "limit", id: "more" }] },
    routes: { a: route({ paths: ["/a"] }) },
    consumers: { alice: {} },
  });
  const first = plan("a", "alice");
  assert.equal(plan("a", "alice"), first);
  assert.notEqual(plan("a", null), first);
  const [step] = everyStep(first);
  assert.ok(step);
  for (const part of [first, first.groups, first.preRequest, first.postRequest, first.postRequest[0], step]) {
    assert.ok(Object.isFrozen(part));
  }
  for (const part of [step.binding, step.binding.path, step.reads]) assert.ok(Object.isFrozen(part));
});

test("names that the config does not have are refused, also those that could be taken for nobody", () => {
  const { plan } = resolverOf({ routes: { a: route({ paths: ["/a"] }) }, consumers: { alice: {} } });
  plan("a", null);
  for (const consumer of ["bob", "", " ", "constructor", "__proto__", "toString", "alice "]) {
    assert.throws(() => plan("a", consumer), RangeError, JSON.stringify(consumer));
  }
  for (const name of ["b", "", "constructor", "__proto__", "a "])
    assert.throws(() => plan(name, null), RangeError);
  assert.throws(() => plan(null, "alice"), RangeError);
});

test("plans that were used lately are remembered, those in memory are bounded", () => {
  const { plan } = resolverOf({
    routes: many(120, (index) => route({ paths: [`/r${index}`] })),
    consumers: many(100, () => ({})),
  });
  const names = Array.from({ length: 120 }, (_, index) => `n${index}`);
  const askFor = (count: number) => {
    let left = count;
    for (const of of names.slice(1))
      for (const consumer of names.slice(0, 100)) if (left-- > 0) plan(of, consumer);
  };
  const first = plan("n0", "n0");
  askFor(configLimits.plansInMemory / 2 - 1);
  assert.equal(plan("n0", "n0"), first);
  askFor(configLimits.plansInMemory + 1);
  assert.notEqual(plan("n0", "n0"), first);
});

test("a step is the same object in every plan", () => {
  const { plan } = resolverOf({
    gateway: { use: [{ plugin: "limit" }] },
    routes: { a: route({ paths: ["/a"] }), b: route({ paths: ["/b"] }) },
  });
  assert.equal(plan("a", null).preRequest[0]?.[0], plan("b", null).preRequest[0]?.[0]);
});

test("a binding carries what its pool needs", () => {
  const { bindings } = resolverOf({
    gateway: {
      use: [
        {
          plugin: "limit",
          config: { per: "1m" },
          state: "instance",
          limits: { fuel: 1_000 },
          grants: { http: ["api.example.com"] },
        },
      ],
    },
  });
  assert.partialDeepStrictEqual(bindings, [
    {
      id: "limit",
      level: "gateway",
      owner: null,
      config: { per: "1m" },
      declared: { state: "instance" },
      limits: { fuel: 1_000 },
      grants: { http: ["api.example.com"] },
    },
  ]);
});

test("a table of too many paths, hosts and models is refused at the route that fills it", () => {
  const list = (length: number, prefix: string) => Array.from({ length }, (_, index) => `${prefix}${index}`);
  const wide = { paths: list(100, "/p"), hosts: list(50, "h"), models: list(50, "m") };
  assert.deepEqual(problemsOf({ routes: { small: route({ paths: ["/a"] }), wide: route(wide) } }), [
    {
      path: ["routes", "wide", "match"],
      message: `with this route there are more than ${configLimits.routeTableEntries} combinations of paths, hosts and models: use prefixes, or fewer of them`,
    },
  ]);
});

test("problems are reported up to a bound, however many there are", () => {
  const paths = Array.from({ length: 150_000 }, (_, index) => `/a//${index}`);
  assert.equal(problemsOf({ routes: { a: route({ paths }) } }).length, configLimits.problems);
  const use = [{ plugin: "missing" }];
  const routes = many(1_000, (index) => route({ paths: [`/r${index}`] }, use));
  assert.equal(problemsOf({ routes }).length, configLimits.problems);
});

test("a conflict of thousands of routes with thousands of consumers is reported up to the same bound", () => {
  const problems = problemsOf({
    routes: many(2_000, (index) => route({ paths: [`/r${index}`] }, [{ plugin: "body", id: "of-route" }])),
    consumers: many(2_000, () => ({ use: [{ plugin: "body", id: "of-consumer" }] })),
  });
  assert.equal(problems.length, configLimits.problems);
  assert.deepEqual(problems[0]?.path, ["consumers", "n0", "use", 0]);
});

test("thousands of routes and consumers whose parallel steps are alike are checked", () => {
  const { plan } = resolverOf({
    routes: many(2_000, (index) =>
      route({ paths: [`/r${index}`] }, [
        { plugin: "body", id: "of-route", config: { index } },
        { plugin: "limit", id: "barrier", order: 1 },
      ]),
    ),
    consumers: many(2_000, (index) => ({
      use: [{ plugin: "body", id: "of-consumer", order: 2, config: { index } }],
    })),
  });
  const steps = plan("n1999", "n1999").preRequest.flat();
  assert.deepEqual(
    steps.map(({ binding }) => binding.id),
    ["of-route", "barrier", "of-consumer"],
  );
});

test("too many different combinations of parallel steps are refused, not half checked", () => {
  const problems = problemsOf({
    gateway: { use: [{ plugin: "limit", id: "barrier", order: 1_000 }] },
    routes: many(200, (order) =>
      route({ paths: [`/r${order}`] }, [{ plugin: "body", id: "of-route", order }]),
    ),
    consumers: many(200, (index) => ({ use: [{ plugin: "body", id: "of-consumer", order: 2_000 + index }] })),
  });
  assert.equal(problems.length, 1);
  assert.deepEqual(problems[0]?.path, ["routes", "n0", "use", 0]);
  assert.match(problems[0]?.message ?? "", /^parallel steps .* in 200 x 201 different combinations/);
});
