import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { targetLimits } from "#host/limits.ts";
import { createTargets, type TargetWish } from "#host/upstream/targets.ts";

const { failures, firstRestMs, longestRestMs } = targetLimits;

/** Targets of these names and weights, and a clock that the test moves. */
function open(weights: Readonly<Record<string, number>>) {
  let nowMs = 1_000;
  const made = Object.entries(weights).map(([url, weight]) => ({ url, weight }));
  const targets = createTargets(made, () => nowMs);
  const pick = (wish: TargetWish = {}) => {
    const picked = targets.pick(wish);
    assert.ok(picked !== null);
    return picked;
  };
  const urls = (count: number, wish?: TargetWish) =>
    Array.from({ length: count }, () => pick(wish).target.url).join("");
  const fail = (url: string, times: number) => {
    for (let time = 0; time < times; time += 1) pick({ prefer: url }).report(false);
  };
  const healthy = () =>
    targets
      .list()
      .flatMap((one) => (one.healthy ? [one.url] : []))
      .join("");
  const wait = (ms: number) => {
    nowMs += ms;
  };
  return { targets, pick, urls, fail, healthy, wait };
}

test("the heavier one is not asked in a row when it need not be", () => {
  assert.equal(open({ a: 5, b: 1, c: 1 }).urls(7), "aabacaa");
});

test("over as many picks as the weights sum up to, each has its share", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 }), (weights) => {
      const names = Object.fromEntries(
        weights.map((weight, index) => [String.fromCharCode(97 + index), weight]),
      );
      const sum = weights.reduce((total, weight) => total + weight, 0);
      const picked = open(names).urls(sum);
      for (const [name, weight] of Object.entries(names)) assert.equal(picked.split(name).length - 1, weight);
    }),
  );
});

test("whatever is wished, reported and marked, some target is picked, and no unhealthy one while a healthy one is wanted", () => {
  const name = fc.constantFrom("a", "b", "c");
  const step = fc.oneof(
    fc.record({ kind: fc.constant("pick" as const), avoid: fc.subarray(["a#0", "b#1", "c#2"]) }),
    fc.record({ kind: fc.constant("report" as const), name, ok: fc.boolean() }),
    fc.record({ kind: fc.constant("mark" as const), name, ok: fc.boolean() }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 5_000 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { targets, pick, healthy, wait } = open({ a: 1, b: 2, c: 0.5 });
      for (const one of steps) {
        if (one.kind === "wait") wait(one.ms);
        else if (one.kind === "mark") targets.mark(one.name, one.ok);
        else if (one.kind === "report") pick({ prefer: one.name }).report(one.ok);
        else {
          const able = healthy();
          const { url } = pick({ avoid: new Set(one.avoid) }).target;
          assert.ok(able === "" || able.includes(url), `${url} of ${able}`);
          const fresh = [...able].filter((each) => !one.avoid.some((key) => key.startsWith(each)));
          assert.ok(fresh.length === 0 || fresh.includes(url), `${url} was asked already`);
        }
      }
    }),
  );
});

test("a target rests after failures in a row, each time twice as long, up to a bound", () => {
  const { fail, healthy, wait } = open({ a: 1, b: 1 });
  fail("a", failures - 1);
  assert.equal(healthy(), "ab");
  fail("a", 1);
  for (let restMs: number = firstRestMs; restMs < longestRestMs * 4; restMs *= 2) {
    const lastMs = Math.min(restMs, longestRestMs);
    wait(lastMs - 1);
    assert.equal(healthy(), "b", `still at rest before ${lastMs} ms`);
    wait(1);
    assert.equal(healthy(), "ab", `back after ${lastMs} ms`);
    fail("a", 1);
  }
});

test("many requests that fail at once count as one more failure, not as many rests", () => {
  const { pick, fail, healthy, wait } = open({ a: 1 });
  const underWay = Array.from({ length: 50 }, () => pick());
  fail("a", failures);
  for (const one of underWay) one.report(false);
  wait(firstRestMs);
  assert.equal(healthy(), "a");
});

test("what went well forgets the failures before", () => {
  const { pick, fail, healthy } = open({ a: 1, b: 1 });
  fail("a", failures - 1);
  pick({ prefer: "a" }).report(true);
  fail("a", failures - 1);
  assert.equal(healthy(), "ab");
});

test("what a probe found holds until the next, or an exchange that goes well", () => {
  const { targets, pick, urls, healthy, wait } = open({ a: 1, b: 1 });
  assert.equal(targets.mark("a", false), true);
  wait(longestRestMs * 10);
  assert.deepEqual([healthy(), urls(3)], ["b", "bbb"]);
  targets.mark("a", true);
  assert.equal(healthy(), "ab");
  targets.mark("a", false);
  pick({ prefer: "a" }).report(true);
  assert.equal(healthy(), "ab");
  assert.equal(targets.mark("elsewhere", false), false);
});

test("a probe that finds a resting target well ends its rest", () => {
  const { targets, fail, healthy } = open({ a: 1 });
  fail("a", failures);
  assert.equal(healthy(), "");
  targets.mark("a", true);
  assert.equal(healthy(), "a");
});

test("one that is preferred is asked though it rests, and by its URL the healthy one of two", () => {
  const { fail, urls } = open({ a: 1, b: 1 });
  fail("a", failures);
  assert.equal(urls(2, { prefer: "a" }), "aa");

  const twins = createTargets(
    [
      { url: "a", weight: 1, id: 1 },
      { url: "a", weight: 1, id: 2 },
    ],
    () => 0,
  );
  const first = twins.pick({});
  assert.equal(first?.target.id, 1);
  for (let time = 0; time < failures; time += 1) first?.report(false);
  assert.deepEqual(twins.list(), [
    { url: "a", healthy: false },
    { url: "a", healthy: true },
  ]);
  assert.equal(twins.pick({ prefer: "a" })?.target.id, 2);
  assert.equal(twins.pick({ prefer: first?.key ?? null })?.target.id, 1);
});

test("without targets there is none to pick", () => {
  assert.equal(createTargets([], () => 0).pick({}), null);
});
