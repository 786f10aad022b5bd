import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, GatewayError } from "#host/errors.ts";
import { createLog, logFailure, logStep } from "#host/observe/log.ts";
import { exchangeOf } from "#test/pipeline/exchange.ts";
import { stepOf } from "#test/pipeline/step.ts";

/** A log, and what stands in its last line: the text and its members. */
function listen(level: "debug" | "info" | "warn" = "info") {
  let raw = "";
  const log = createLog(level, {
    write(line) {
      raw = line;
    },
  });
  return { log, raw: () => raw, line: () => JSON.parse(raw) as Record<string, unknown> };
}

for (const name of ["authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie", "key", "keys"]) {
  test(`what an object calls ${name} is not logged, up to two objects deep`, () => {
    const { log, raw } = listen();
    for (const fields of [
      { [name]: "sk-secret" },
      { a: { [name]: "sk-secret" } },
      { a: { b: { [name]: ["sk-secret"] } } },
    ]) {
      log.info(fields, "text");
      assert.match(raw(), /"text"/);
      assert.doesNotMatch(raw(), /sk-secret/);
    }
  });
}

for (const [code, level] of [
  ["unauthenticated", "info"],
  ["plugin_failed", "warn"],
  ["upstream_reset", "warn"],
  ["internal", "error"],
] as const satisfies readonly (readonly [ErrorCode, string])[]) {
  test(`a request that failed with ${code} is a line of level ${level}`, () => {
    const { log, line } = listen();
    const exchange = exchangeOf({ id: "id", route: "chat", service: "demo", consumer: "alice" });
    logFailure(log, exchange, new GatewayError(code, "The message.", { plugin: "p", upstreamStatus: 500 }));
    const { time: _time, blame: _blame, status: _status, ...rest } = line();
    assert.deepEqual(rest, {
      level,
      requestId: "id",
      code,
      route: "chat",
      service: "demo",
      consumer: "alice",
      plugin: "p",
      upstreamStatus: 500,
      msg: "The message.",
    });
  });
}

test("causes are told nearest first, five at most, also when they lead round in a circle", () => {
  const { log, line } = listen();
  const inner = new Error("inner");
  const outer = new Error("outer", { cause: inner });
  logFailure(log, exchangeOf({}), new GatewayError("upstream_reset", "It broke.", { cause: outer }));
  assert.equal(line()["cause"], "outer: inner");
  inner.cause = outer;
  logFailure(log, exchangeOf({}), new GatewayError("upstream_reset", "It broke.", { cause: outer }));
  assert.equal(line()["cause"], "outer: inner: outer: inner: outer");
});

test("of a failure without a place in the table the stack is told", () => {
  const { log, line } = listen();
  logFailure(
    log,
    exchangeOf({}),
    new GatewayError("internal", "It failed.", { cause: new TypeError("why") }),
  );
  assert.match(String(line()["cause"]), /^TypeError: why\n {4}at .*log\.test\.ts/);
});

// A line end, a C1 control that starts a terminal sequence, a right-to-left override.
const hostile = "a\nb\u009b31m\u202ec";
const escaped = "a\\nb\\u009b31m\\u202ec";

test("what a plugin says of its failure cannot drive a terminal or turn a line around", () => {
  const { log, line, raw } = listen();
  const step = stepOf("pre_request", {});
  const measured = {
    outcome: "error",
    skipped: true,
    durationUs: 1,
    fuelUsed: 1,
    calls: 1,
    observed: {},
    effects: [],
    requestId: "id",
  } as const;
  logStep(log, { step, ...measured, error: hostile });
  assert.equal(line()["error"], escaped);
  assert.doesNotMatch(raw().trimEnd(), /[\p{Cc}\u202e]/u);

  const details = { cause: new Error(hostile) };
  logFailure(
    log,
    exchangeOf({}),
    new GatewayError("plugin_failed", `The plugin ${hostile} failed.`, details),
  );
  assert.equal(line()["cause"], escaped);
  assert.equal(line()["msg"], `The plugin ${escaped} failed.`);
  assert.doesNotMatch(raw().trimEnd(), /[\p{Cc}\u202e]/u);
});

test("what an observed step asked for is a line of level debug, without values", () => {
  const { log, line, raw } = listen("debug");
  const step = stepOf("pre_request", {}, { effect: "observe" });
  const effects = [
    { type: "set-header", on: "request", name: "X-A", value: "sk-secret" },
    { type: "tag", name: `t${hostile}`, value: "sk-secret" },
  ] as const;
  const measured = { skipped: false, durationUs: 1, fuelUsed: 1, calls: 1, requestId: "id" };
  logStep(log, {
    step,
    outcome: "ok",
    error: null,
    ...measured,
    effects,
    observed: { "set-header": 1, tag: 1 },
  });
  const { level, effects: names, observed } = line();
  assert.equal(level, "debug");
  assert.deepEqual(observed, { "set-header": 1, tag: 1 });
  assert.deepEqual(names, ["set-header request x-a", "tag ta b 31m\\u202ec"]);
  assert.doesNotMatch(raw(), /sk-secret/);
});

test("a step that went well is no line", () => {
  const { log, raw } = listen();
  const step = stepOf("pre_request", {});
  const report = {
    step,
    outcome: "ok",
    error: null,
    skipped: false,
    durationUs: 1,
    fuelUsed: 1,
    calls: 1,
    observed: {},
    effects: [],
    requestId: "id",
  };
  logStep(log, { ...report, outcome: "ok" });
  assert.equal(raw(), "");
});
