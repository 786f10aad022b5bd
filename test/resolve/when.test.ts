import assert from "node:assert/strict";
import { test } from "node:test";
import { compileWhen, type Facts } from "#host/resolve/when.ts";

const facts: Facts = {
  requestId: "1",
  method: "POST",
  path: "/r",
  headers: {},
  model: () => assert.fail("nobody asked for the model"),
  consumer: null,
  groups: [],
  tags: {},
};

function sampleOf(percent: number, id: string): string[] {
  const holds = compileWhen({ sample: percent }, id);
  return Array.from({ length: 20_000 }, (_, index) => `01K9ZC${index}`).filter(
    (requestId) => holds?.({ ...facts, requestId }) ?? true,
  );
}

test("the body is not parsed for the model when another condition fails, or none is on it", () => {
  const paths = compileWhen({ paths: ["/r"] }, "a");
  const both = compileWhen({ paths: ["/other"], models: ["m"] }, "a");
  assert.equal(paths?.(facts), true);
  assert.equal(both?.(facts), false);
});

test("a sample takes about its share of the requests, whatever its size", () => {
  for (const percent of [0.1, 1, 10, 50, 99]) {
    const expected = 200 * percent;
    const { length } = sampleOf(percent, "a");
    assert.ok(Math.abs(length - expected) < 6 * Math.sqrt(expected) + 1, `${length} for ${percent} %`);
  }
});

test("a request has one answer for a binding's sample, and another binding's sample is another one", () => {
  const sample = sampleOf(50, "a");
  assert.deepEqual(sampleOf(50, "a"), sample);
  const both = new Set(sample).intersection(new Set(sampleOf(50, "b"))).size;
  assert.ok(both > 4_500 && both < 5_500, `${both} of 20000 requests are in two independent halves`);
});

test("a larger sample holds the smaller one, so that raising it takes nobody out", () => {
  const larger = new Set(sampleOf(20, "a"));
  assert.ok(sampleOf(10, "a").every((id) => larger.has(id)));
});

test("request ids that differ in their last character alone are spread too", () => {
  const holds = compileWhen({ sample: 50 }, "a");
  const answers = Array.from("0123456789abcdefghijklmnopqrstuvwxyz", (last) =>
    holds?.({ ...facts, requestId: `request-000000${last}` }),
  );
  const yes = answers.filter(Boolean).length;
  assert.ok(yes > 6 && yes < 30, `${yes} of 36`);
});
