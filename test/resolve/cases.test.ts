import assert from "node:assert/strict";
import { test } from "node:test";
import {
  everyStep,
  expectedOf,
  factsOf,
  printed,
  printPlan,
  printStep,
  type ResolveCase,
  readCases,
  resolve,
} from "./case-file.ts";

for (const { file, cases } of readCases(new URL("./cases/", import.meta.url))) {
  for (const each of cases) test(`${file}: ${each.name}`, () => check(each));
}

function check({ requests, plans, bindings, problems, ...gateway }: ResolveCase): void {
  assert.ok(requests.length + plans.length + problems.length > 0 || bindings, "the case expects nothing");
  const resolved = resolve(gateway);
  assert.deepEqual("problems" in resolved ? resolved.problems.map(printed) : [], problems);
  if ("problems" in resolved) return;

  for (const request of requests) {
    const found = resolved.resolver.match({ ...request, model: () => request.model });
    assert.deepEqual(found, expectedOf(request), JSON.stringify(request));
  }
  for (const expected of plans) {
    const {
      route,
      consumer,
      service,
      groups,
      responseBody,
      streamBody,
      steps,
      meets,
      unconditional,
      ...lists
    } = expected;
    const plan = resolved.resolver.plan(route, consumer);
    assert.deepEqual(printPlan(plan), lists);
    if (service !== undefined) assert.equal(plan.service, service);
    if (groups !== undefined) assert.deepEqual(plan.groups, groups);
    if (responseBody !== undefined) assert.equal(plan.responseBody, responseBody);
    if (streamBody !== undefined) assert.equal(plan.stream.body, streamBody);
    for (const [name, expected] of Object.entries(steps)) {
      const step = everyStep(plan).find((candidate) => printStep(candidate) === name);
      assert.ok(step, `no step ${name}`);
      const facts = factsOf(step);
      for (const [fact, value] of Object.entries(expected)) assert.deepEqual(facts[fact], value, fact);
    }
    for (const { runs, model, ...request } of meets) {
      const facts = { ...request, model: () => model };
      const running = everyStep(plan).filter(({ when }) => when === null || when(facts));
      assert.deepEqual(running.map(printStep), runs, JSON.stringify(request));
    }
    if (unconditional !== undefined) {
      const free = everyStep(plan).filter(({ when }) => when === null);
      assert.deepEqual(free.map(printStep), unconditional);
    }
  }
  if (bindings !== undefined) {
    assert.deepEqual(resolved.resolver.bindings.map(({ key }) => key).sort(), bindings.toSorted());
  }
}
