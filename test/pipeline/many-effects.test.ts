import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { test } from "node:test";
import { bodyJson } from "#host/exchange.ts";
import { effectLimits } from "#host/limits.ts";
import { applyEffects } from "#host/pipeline/effects.ts";
import { StepFailure } from "#host/pipeline/step-failure.ts";
import type { Effect } from "#sdk/abi/effects.ts";
import { exchangeOf, type Given } from "#test/pipeline/exchange.ts";

/** As many as one output may have. */
const most = 1000;

function many(effect: (index: number) => Effect, count = most): Effect[] {
  return Array.from({ length: count }, (_, index) => effect(index));
}

/** Nothing else of the gateway runs meanwhile. The bound is for what took many seconds. */
function soon<T>(action: () => T): T {
  const from = performance.now();
  const result = action();
  assert.ok(performance.now() - from < 1500, `${performance.now() - from} ms`);
  return result;
}

function refusalOf(effects: readonly Effect[], given: Given): string {
  const exchange = exchangeOf(given);
  const before = { ...exchange };
  const thrown = soon(() => {
    try {
      applyEffects(effects, exchange);
    } catch (thrown) {
      return thrown;
    }
    return null;
  });
  assert.ok(thrown instanceof StepFailure, String(thrown));
  assert.deepEqual(exchange, before);
  return thrown.message;
}

const parameters = `/v1?${"b&".repeat(15_000)}q=1`;

test("a thousand changes of a query go over its parameters once", () => {
  const exchange = exchangeOf({ url: parameters });
  soon(() =>
    applyEffects(
      many((index) => ({ type: "set-query", name: "q", value: `${index}` })),
      exchange,
    ),
  );
  assert.equal(exchange.request.query, `?${"b&".repeat(15_000)}q=999`);

  const removed = exchangeOf({ url: parameters });
  soon(() =>
    applyEffects(
      many((index) => ({ type: "remove-query", name: `x${index}` })),
      removed,
    ),
  );
  assert.equal(removed.request.query, `?${"b&".repeat(15_000)}q=1`);
});

test("what is set in a query can be set again and removed by the same call, by any name", () => {
  const exchange = exchangeOf({ url: "/v1?a%20b=1&c=2" });
  applyEffects(
    [
      { type: "set-query", name: "a b", value: "x" },
      { type: "set-query", name: "\ud800", value: "1" },
      { type: "set-query", name: "\ud800", value: "2" },
      { type: "set-query", name: "gone", value: "3" },
      { type: "remove-query", name: "gone" },
    ],
    exchange,
  );
  assert.equal(exchange.request.query, "?c=2&a%20b=x&%EF%BF%BD=2");
});

test("a thousand headers and tags are set in place, and what others hold stays as it was", () => {
  const exchange = exchangeOf({ url: "/v1", headers: { "x-mine": "1" } });
  const before = { headers: exchange.request.headers, tags: exchange.tags };
  const headers = many(
    (index): Effect => ({ type: "set-header", on: "request", name: `x-${index}`, value: "1" }),
  );
  applyEffects([...headers, { type: "remove-header", on: "request", name: "x-1" }], exchange);
  applyEffects(
    many((index) => ({ type: "tag", name: `t${index}`, value: "1" })),
    exchange,
  );
  assert.deepEqual(Object.keys(before.headers), ["x-mine"]);
  assert.deepEqual(before.tags, {});
  assert.equal(Object.keys(exchange.request.headers).length, most);
  assert.equal(Object.keys(exchange.tags).length, most);

  const { tags } = exchange;
  applyEffects(
    [
      { type: "tag", name: "t0", value: "2" },
      { type: "tag", name: "__proto__", value: "3" },
    ],
    exchange,
  );
  assert.equal(tags["t0"], "1");
  assert.equal(exchange.tags["t0"], "2");
  assert.deepEqual(Object.entries(exchange.tags).at(-1), ["__proto__", "3"]);
});

test("headers and tags that grow from call to call end at a limit", () => {
  const value = "v".repeat(1000);
  const kinds: readonly [string, (index: number) => Effect][] = [
    [
      "the headers of the request",
      (index) => ({ type: "set-header", on: "request", name: `x-${index}`, value }),
    ],
    [
      "the headers of the answer",
      (index) => ({ type: "set-header", on: "response", name: `x-${index}`, value }),
    ],
    ["the tags", (index) => ({ type: "tag", name: `t-${index}`, value })],
  ];
  for (const [what, effect] of kinds) {
    const exchange = exchangeOf({ url: "/v1" });
    applyEffects(many(effect, 40), exchange);
    const { request, responseHeaders, tags } = exchange;
    assert.throws(
      () =>
        applyEffects(
          many((index) => effect(index + 40), 40),
          exchange,
        ),
      {
        message: `output/effects: ${what} would have more than ${effectLimits.headerBytes} bytes together`,
      },
    );
    assert.deepEqual(
      [exchange.request, exchange.responseHeaders, exchange.tags],
      [request, responseHeaders, tags],
    );
    applyEffects(
      many((index) => effect(index), 40),
      exchange,
    );
  }
});

test("the patches of one call have one budget together", () => {
  const message = "x".repeat(100_000);
  const body = JSON.stringify({ messages: [message] });
  const copy = (index: number): Effect => ({
    type: "patch-body",
    on: "request",
    patch: [{ op: "copy", from: "/messages", path: `/m${index}` }],
  });
  assert.match(refusalOf(many(copy), { url: "/v1", body }), /effects\/167 .*too large together/);

  const wide = JSON.stringify({ list: Array.from({ length: 200_000 }, () => 1) });
  const insert: Effect = {
    type: "patch-body",
    on: "request",
    patch: [{ op: "add", path: "/list/0", value: 1 }],
  };
  assert.match(
    refusalOf(
      many(() => insert),
      { url: "/v1", body: wide },
    ),
    /too many members/,
  );

  const members = JSON.stringify(Object.fromEntries(Array.from({ length: 900 }, (_, at) => [`a${at}`, at])));
  const replace: Effect = {
    type: "patch-body",
    on: "request",
    patch: [{ op: "replace", path: "/a5", value: 1 }],
  };
  assert.match(
    refusalOf(
      many(() => replace),
      { url: "/v1", body: members },
    ),
    /too many members/,
  );
});

test("naming a model has to fit into the same budget, and leaves the place of the member", () => {
  const members = JSON.stringify(
    Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`a${at}`, at])),
  );
  const model = (index: number): Effect => ({ type: "model", model: `m${index}` });
  assert.match(refusalOf(many(model), { url: "/v1", body: members }), /too many members/);

  const exchange = exchangeOf({ url: "/v1", body: '{"model":"a","n":1}' });
  applyEffects(many(model), exchange);
  assert.equal(JSON.stringify(bodyJson(exchange.request.body)), '{"model":"m999","n":1}');
});
