import assert from "node:assert/strict";
import { test } from "node:test";
import { load, printed } from "./config-file.ts";

const services = "services: { demo: { provider: mock } }\n";

const cases: readonly { name: string; yaml: string; problems: readonly string[] }[] = [
  {
    name: "a route to a service that does not exist",
    yaml: `${services}routes: { a: { match: { paths: [/a] }, service: dmo } }`,
    problems: ['gateway.yaml:2:40 routes.a.service: there is no service "dmo", did you mean "demo"?'],
  },
  {
    name: "a consumer in a group that does not exist",
    yaml: "consumerGroups: { gold: {} }\nconsumers: { a: { groups: [gold, glod] } }",
    problems: [
      'gateway.yaml:2:34 consumers.a.groups.1: there is no consumer group "glod", did you mean "gold"?',
    ],
  },
  {
    name: "a tenant that does not exist, wherever it is named",
    yaml: `tenants: { acme: {} }
services: { demo: { provider: mock, tenant: acm } }
routes: { a: { match: { paths: [/a] }, service: demo, tenant: acme } }
consumerGroups: { gold: { tenant: other } }
consumers: { a: { tenant: Acme } }`,
    problems: [
      'gateway.yaml:2:37 services.demo.tenant: there is no tenant "acm", did you mean "acme"?',
      'gateway.yaml:4:27 consumerGroups.gold.tenant: there is no tenant "other"',
      'gateway.yaml:5:19 consumers.a.tenant: there is no tenant "Acme", did you mean "acme"?',
    ],
  },
  {
    name: "a grant of a secret that does not exist, without showing any",
    yaml: `secrets: { token: secret-value-1 }
gateway: { use: [{ plugin: p, grants: { secrets: [token, tokn, toString] } }] }`,
    problems: [
      'gateway.yaml:2:58 gateway.use.0.grants.secrets.1: there is no secret "tokn", did you mean "token"?',
      'gateway.yaml:2:64 gateway.use.0.grants.secrets.2: there is no secret "toString"',
    ],
  },
  {
    name: "two consumers with one key, without showing it",
    yaml: "consumers:\n  a: { keys: [key-number-1] }\n  b: { keys: [key-number-2, key-number-1] }",
    problems: ["gateway.yaml:3:29 consumers.b.keys.1: the same key as consumers.a.keys.0"],
  },
  {
    name: "two routes with one path and the same conditions in another order",
    yaml: `${services}routes:
  a: { match: { paths: [/x, /y], methods: [GET, POST], headers: { A: "1", B: "2" } }, service: demo }
  b: { match: { paths: [/z, /x], methods: [POST, GET], headers: { b: "2", a: "1" } }, service: demo }`,
    problems: [
      "gateway.yaml:4:29 routes.b.match.paths.1: never matches: routes.a.match.paths.0 is the same path with the same conditions",
    ],
  },
  {
    name: "one id twice at one level",
    yaml: "gateway: { use: [{ plugin: p }, { plugin: q, id: r }, { plugin: p }] }",
    problems: [
      "gateway.yaml:1:55 gateway.use.2: the same id as gateway.use.0: give one of them an `id` of its own",
    ],
  },
];

for (const { name, yaml, problems } of cases) {
  test(`refused: ${name}`, async (t) => assert.deepEqual(printed(await load(t, yaml)), problems));
}

test("routes that differ in one condition, and ids that differ in their level, are fine", async (t) => {
  const yaml = `${services}gateway: { use: [{ plugin: p }] }
routes:
  a: { match: { paths: [/x] }, service: demo, use: [{ plugin: p }, { plugin: p, id: second }] }
  b: { match: { paths: [/x], methods: [GET] }, service: demo }
  c: { match: { paths: [/x], models: [m] }, service: demo }
  d: { match: { paths: [/x], headers: { a: "1" } }, service: demo }
  e: { match: { paths: [/x], headers: { a: "2" } }, service: demo }
  f: { match: { paths: [/x], hosts: [h] }, service: demo }`;
  const loaded = await load(t, yaml);
  assert.deepEqual(printed(loaded), []);
});
