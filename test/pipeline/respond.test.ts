import assert from "node:assert/strict";
import { test } from "node:test";
import { answerParts } from "#host/answer.ts";
import { applyEffects } from "#host/pipeline/effects.ts";
import { StepFailure } from "#host/pipeline/step-failure.ts";
import type { Effect } from "#sdk/abi/effects.ts";
import { exchangeOf, type Given } from "#test/pipeline/exchange.ts";

type Respond = Omit<Extract<Effect, { type: "respond" }>, "type">;

/** What goes to the client when a plugin answers so: what every answer has (id, timing, attempts) left out. */
function answerOf(respond: Respond, given: Given = {}) {
  const exchange = exchangeOf({ id: "request-id", ...given });
  assert.equal(applyEffects([{ type: "respond", ...respond }], exchange), true);
  const { status, headers, body } = answerParts(exchange);
  const { "x-request-id": id, "server-timing": _timing, "x-sandgate-attempts": attempts, ...rest } = headers;
  assert.deepEqual([id, attempts], ["request-id", "0"]);
  const text = body === null ? null : Buffer.from(body as Uint8Array).toString();
  return { status, headers: rest, text };
}

const json = "application/json; charset=utf-8";

test("only respond ends the stage", () => {
  assert.equal(applyEffects([{ type: "tag", name: "a", value: "b" }], exchangeOf({})), false);
  assert.equal(applyEffects([], exchangeOf({})), false);
});

for (const [body, type, text] of [
  [{ a: "ü" }, json, '{"a":"ü"}'],
  [null, json, "null"],
  ["plain", "text/plain; charset=utf-8", "plain"],
] as const) {
  test(`a body ${JSON.stringify(body)} is sent as ${type}`, () => {
    assert.deepEqual(answerOf({ status: 201, body }), {
      status: 201,
      headers: { "content-type": type, "content-length": String(Buffer.byteLength(text)) },
      text,
    });
  });
}

test("headers of its own go over those that the host would choose", () => {
  const headers = { "Content-Type": "text/html", "X-A": "1" };
  assert.deepEqual(answerOf({ status: 200, body: "<p>", headers }).headers, {
    "content-type": "text/html",
    "x-a": "1",
    "content-length": "3",
  });
});

test("headers that were asked for before go onto the answer", () => {
  const exchange = exchangeOf({});
  const asked: Effect = { type: "set-header", on: "response", name: "x-asked", value: "1" };
  applyEffects([asked, { type: "respond", status: 200 }], exchange);
  assert.equal(exchange.response?.headers["x-asked"], "1");
});

for (const status of [204, 205, 304]) {
  test(`status ${status} has no body, whatever the plugin says`, () => {
    assert.deepEqual(answerOf({ status, body: { a: 1 } }), { status, headers: {}, text: null });
  });
}

const error = { message: "Too many words.", code: "too_long" };

for (const [url, shape] of [
  [
    "/v1/chat/completions",
    { error: { message: error.message, type: "requests", param: null, code: "too_long" } },
  ],
  ["/v1/responses", { error: { message: error.message, type: "requests", param: null, code: "too_long" } }],
  [
    "/v1/messages",
    { type: "error", error: { type: "rate_limit_error", message: error.message }, request_id: "request-id" },
  ],
  [
    "/v1beta/models/gemini-2.5-pro:generateContent",
    { error: { code: 429, message: error.message, status: "RESOURCE_EXHAUSTED" } },
  ],
] as const) {
  test(`an error to ${url} has the shape of its API`, () => {
    const { status, headers, text } = answerOf({ status: 429, error, headers: { "X-A": "1" } }, { url });
    assert.equal(status, 429);
    assert.deepEqual(JSON.parse(text ?? ""), shape);
    assert.equal(headers["content-type"], json);
    assert.equal(headers["retry-after"], "1");
    assert.equal(headers["x-a"], "1");
  });
}

test("an error without a code is blocked, and is not to be tried again", () => {
  const { headers, text } = answerOf({ status: 403, error: { message: "No." } });
  assert.equal(JSON.parse(text ?? "").error.code, "blocked");
  assert.equal(headers["x-should-retry"], "false");
});

for (const status of [200, 204, 304, 399]) {
  test(`status ${status} is no status of an error`, () => {
    assert.throws(
      () => applyEffects([{ type: "respond", status, error }], exchangeOf({})),
      (thrown) =>
        thrown instanceof StepFailure &&
        thrown.message === `output/effects/0 (respond): ${status} is no status of an error`,
    );
  });
}
