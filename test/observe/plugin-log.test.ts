import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog } from "#host/observe/log.ts";
import { pluginLogSink } from "#host/observe/plugin-log.ts";
import { createLogLines } from "#host/sandbox/log-lines.ts";

/** What the operator's log has of one line that a plugin wrote: the text itself, and its JSON. */
function logged(text: string): { raw: string; msg: string; data?: unknown } {
  let raw = "";
  const log = createLog("info", {
    write(line) {
      raw += line;
    },
  });
  createLogLines(pluginLogSink(log, "p", "gateway.use.0"), "request-1").write("info", text);
  const { msg, data } = JSON.parse(raw) as { msg: string; data?: unknown };
  return { raw, msg, data };
}

const line = (data: unknown, message = "hi") => JSON.stringify({ message, data });

for (const [name, text, msg, data] of [
  ["a plain text", "hi", "hi", undefined],
  ["a message with data", line({ a: 1, b: [null, "x"] }), "hi", { a: 1, b: [null, "x"] }],
  ["other JSON is a text", '{"msg":"hi"}', '{"msg":"hi"}', undefined],
  ["more than message and data is a text", '{"message":"a","data":{},"level":"fatal"}', null, undefined],
  ["data that is no object is a text", line(1), line(1), undefined],
  ["half of a line is a text", '{"message":"a","data":{"b":', '{"message":"a","data":{"b":', undefined],
  [
    "a member named __proto__ is left out, as pino copies what it logs",
    '{"message":"hi","data":{"__proto__":{"x":1},"b":2}}',
    "hi",
    { b: 2 },
  ],
] as const) {
  test(`${name}`, () => {
    const found = logged(text);
    assert.equal(found.msg, msg ?? text);
    assert.deepEqual(found.data, data);
  });
}

// A bell, a C1 control that starts a terminal sequence, a line separator, a right-to-left override.
const hostile = "a\u0007\u009b\u2028\u202eb\nc";
const escaped = "a\\u0007\\u009b\\u2028\\u202eb\\nc";

for (const [name, text] of [
  ["as they are", JSON.stringify({ message: hostile, data: { [`k${hostile}`]: [hostile] } })],
  ["as JSON escapes", asciiJson({ message: hostile, data: { [`k${hostile}`]: [hostile] } })],
] as const) {
  test(`characters that drive a terminal or turn a line around are escaped, written ${name}`, () => {
    const { raw, msg, data } = logged(text);
    assert.equal(msg, escaped);
    assert.deepEqual(data, { [`k${escaped}`]: [escaped] });
    assert.doesNotMatch(raw.trimEnd(), /[\p{Cc}\u2028\u202e]/u);
  });
}

test("data of any depth is logged, cut where it is deeper than anyone reads", () => {
  const { msg, data } = logged(`{"message":"hi","data":{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}}`);
  assert.equal(msg, "hi");
  assert.match(JSON.stringify(data), /^\{"a":\[{30}"…"\]{30}\}$/);
});

function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
