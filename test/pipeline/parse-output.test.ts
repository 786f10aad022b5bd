import assert from "node:assert/strict";
import { test } from "node:test";
import { parseOutput } from "#host/pipeline/parse-output.ts";
import { StepFailure } from "#host/pipeline/step-failure.ts";
import type { Step } from "#host/resolve/step.ts";
import type { StageHook } from "#sdk/abi/hooks.ts";
import { stepOf } from "./step.ts";

const everyWrite = [
  "request.path",
  "request.query",
  "request.body",
  "request.headers",
  "response.body",
  "response.headers",
  "respond",
  "identify",
  "tags",
];
const free = stepOf("pre_request", { writes: everyWrite });

function parse(step: Step, output: string | Uint8Array) {
  return parseOutput(step, Buffer.from(output as string));
}

function failureOf(step: Step, output: string | Uint8Array): string {
  try {
    return `passed: ${JSON.stringify(parse(step, output))}`;
  } catch (thrown) {
    assert.ok(thrown instanceof StepFailure, String(thrown));
    assert.equal(thrown.outcome, "error");
    return thrown.message;
  }
}

test("no output is no effects, and so is an empty list", () => {
  assert.deepEqual(parse(free, ""), []);
  assert.deepEqual(parse(free, '{"effects":[]}'), []);
});

test("effects come back in their order, each as it was written", () => {
  const effects = [
    { type: "set-header", on: "request", name: "X-Team", value: "" },
    { type: "remove-header", on: "response", name: "x-team" },
    { type: "set-query", name: "a", value: "b" },
    { type: "remove-query", name: "a" },
    { type: "set-path", path: "/x" },
    { type: "replace-body", on: "request", body: null },
    { type: "patch-body", on: "request", patch: [{ op: "add", path: "/a", value: { b: 1 } }] },
    { type: "respond", status: 200, body: [1] },
    { type: "respond", status: 503, headers: { a: "b" }, error: { message: "no", code: "busy" } },
    { type: "identify", consumer: "alice" },
    { type: "tag", name: "team", value: "search" },
  ];
  assert.deepEqual(parse(free, JSON.stringify({ effects })), effects);
});

test("of a repeated member the last counts, for the check as for the effect", () => {
  const twice =
    '{"effects":[{"type":"set-path"}],"effects":[{"type":"tag","type":"set-path","path":"/a","path":"/b"}]}';
  assert.deepEqual(parse(free, twice), [{ type: "set-path", path: "/b" }]);
  const step = stepOf("pre_request", { writes: ["tags"] });
  assert.match(failureOf(step, twice), /do not list request\.path$/);
});

const effect = (text: string) => `{"effects":[${text}]}`;
const deep = (levels: number) =>
  effect(`{"type":"replace-body","on":"request","body":${"[".repeat(levels)}${"]".repeat(levels)}}`);

for (const [name, output, message] of [
  ["text", "hello", /^output is not JSON: /],
  ["half of it", '{"effects":[', /^output is not JSON: /],
  ["two values", '{"effects":[]}{"effects":[]}', /^output is not JSON: /],
  ["invalid UTF-8", Buffer.from([0x22, 0xc3, 0x28, 0x22]), /^output is not JSON: /],
  ["UTF-16", Buffer.from('{"effects":[]}', "utf16le"), /^output is not JSON: /],
  ["null", "null", /^output must be object$/],
  ["a list", "[]", /^output must be object$/],
  ["no effects", "{}", /^output must have required property 'effects'$/],
  ["another member", '{"effects":[],"effect":[]}', /^output must NOT have additional properties$/],
  ["a member __proto__", '{"effects":[],"__proto__":{}}', /^output must NOT have additional properties$/],
  ["effects that are no list", '{"effects":{}}', /^output\/effects must be array$/],
  [
    "more than 1,000 effects",
    `{"effects":[${Array(1_001).fill('{"type":"tag","name":"a","value":"b"}').join()}]}`,
    /^output\/effects must NOT have more than 1000 items$/,
  ],
  ["an effect that is none", effect("1"), /^output\/effects\/0 must be object$/],
  ["without type", effect("{}"), /^output\/effects\/0 must have required property 'type'$/],
  [
    "of no known type",
    effect('{"type":"eval"}'),
    /^output\/effects\/0 value of tag "type" must be in oneOf$/,
  ],
  ["a type of Object.prototype", effect('{"type":"constructor"}'), /^output\/effects\/0 value of tag/],
  [
    "one wrong among good ones",
    effect('{"type":"tag","name":"a","value":"b"},{"type":"tag","name":"a"}'),
    /^output\/effects\/1 must have required property 'value'$/,
  ],
  [
    "a member too many",
    effect('{"type":"set-path","path":"/a","host":"b"}'),
    /^output\/effects\/0 must NOT have additional properties$/,
  ],
  [
    "a path that is relative",
    effect('{"type":"set-path","path":"a"}'),
    /^output\/effects\/0\/path must match/,
  ],
  [
    "a header name with a line end",
    effect('{"type":"set-header","on":"request","name":"a\\r\\nb","value":"c"}'),
    /^output\/effects\/0\/name must match pattern/,
  ],
  [
    "a header name with a line end behind it",
    effect('{"type":"remove-header","on":"request","name":"a\\n"}'),
    /^output\/effects\/0\/name must match pattern/,
  ],
  [
    "an empty header name",
    effect('{"type":"remove-header","on":"request","name":""}'),
    /^output\/effects\/0\/name must match pattern/,
  ],
  [
    "a header value of 8 KiB and one",
    effect(`{"type":"set-header","on":"request","name":"a","value":"${"x".repeat(8_193)}"}`),
    /^output\/effects\/0\/value must NOT have more than 8192 characters$/,
  ],
  [
    "a header on neither side",
    effect('{"type":"remove-header","on":"both","name":"a"}'),
    /^output\/effects\/0\/on must be equal to one of the allowed values$/,
  ],
  ["status 101", effect('{"type":"respond","status":101}'), /^output\/effects\/0\/status must be >= 200$/],
  ["status 199", effect('{"type":"respond","status":199}'), /^output\/effects\/0\/status must be >= 200$/],
  ["status 600", effect('{"type":"respond","status":600}'), /^output\/effects\/0\/status must be <= 599$/],
  [
    "status 200.5",
    effect('{"type":"respond","status":200.5}'),
    /^output\/effects\/0\/status must be integer$/,
  ],
  [
    "status 1e999",
    effect('{"type":"respond","status":1e999}'),
    /^output\/effects\/0\/status must be integer$/,
  ],
  [
    "a patch with an unknown operation",
    effect('{"type":"patch-body","on":"request","patch":[{"op":"merge","path":"/a","value":1}]}'),
    /^output\/effects\/0\/patch\/0/,
  ],
  [
    "a tag without a name",
    effect('{"type":"tag","name":"","value":"b"}'),
    /^output\/effects\/0\/name must NOT have fewer than 1 characters$/,
  ],
  ["nested 257 levels", deep(254), /^output is nested deeper than 256 levels$/],
  ["brackets alone", "[".repeat(1024 * 1024), /^output is nested deeper than 256 levels$/],
] as const) {
  test(`refused: ${name}`, () => assert.match(failureOf(free, output), message));
}

test("256 levels are not too deep", () => assert.equal(parse(free, deep(253)).length, 1));

/** By stage: the hook, the effect and what is said of it. Null: it is allowed. */
for (const [hook, type, reason] of [
  ["pre_request", '{"type":"set-header","on":"response","name":"a","value":"b"}', null],
  ["post_request", '{"type":"set-header","on":"response","name":"a","value":"b"}', null],
  ["error", '{"type":"set-header","on":"response","name":"a","value":"b"}', null],
  ["post_request", '{"type":"replace-body","on":"response","body":1}', null],
  ["post_request", '{"type":"respond","status":200}', null],
  ["error", '{"type":"respond","status":200}', null],
  ["post_request", '{"type":"tag","name":"a","value":"b"}', null],
  ["error", '{"type":"tag","name":"a","value":"b"}', null],
  [
    "pre_request",
    '{"type":"replace-body","on":"response","body":1}',
    "there is no response yet; use respond",
  ],
  [
    "pre_request",
    '{"type":"patch-body","on":"response","patch":[]}',
    "there is no response yet; use respond",
  ],
  ["error", '{"type":"replace-body","on":"response","body":1}', "an error's body is replaced by respond"],
  ...(["post_request", "error"] as const).flatMap((late) =>
    [
      '{"type":"set-header","on":"request","name":"a","value":"b"}',
      '{"type":"remove-header","on":"request","name":"a"}',
      '{"type":"set-query","name":"a","value":"b"}',
      '{"type":"remove-query","name":"a"}',
      '{"type":"set-path","path":"/a"}',
      '{"type":"replace-body","on":"request","body":1}',
      '{"type":"patch-body","on":"request","patch":[]}',
      '{"type":"identify","consumer":"alice"}',
    ].map((sent) => [late, sent, `the request has been sent when ${late} runs`] as const),
  ),
] as const satisfies readonly (readonly [StageHook, string, string | null])[]) {
  test(`${hook} and ${type}: ${reason ?? "allowed"}`, () => {
    const step = stepOf(hook, { writes: everyWrite });
    const { type: name } = JSON.parse(type);
    if (reason === null) assert.equal(parse(step, effect(type)).length, 1);
    else assert.equal(failureOf(step, effect(type)), `output/effects/0 (${name}): ${reason}`);
  });
}

for (const [writes, type, field] of [
  [[], '{"type":"respond","status":200}', "respond"],
  [[], '{"type":"identify","consumer":"a"}', "identify"],
  [[], '{"type":"tag","name":"a","value":"b"}', "tags"],
  [["request.headers"], '{"type":"set-header","on":"response","name":"a","value":"b"}', "response.headers.a"],
  [
    ["request.headers.x-a"],
    '{"type":"set-header","on":"request","name":"X-B","value":"b"}',
    "request.headers.x-b",
  ],
  [["request.path"], '{"type":"set-query","name":"a","value":"b"}', "request.query"],
  [["request.query"], '{"type":"set-path","path":"/a"}', "request.path"],
  [["response.body"], '{"type":"replace-body","on":"request","body":1}', "request.body"],
  [["request.headers.x-a"], '{"type":"set-header","on":"request","name":"X-A","value":"b"}', null],
  [["request.headers"], '{"type":"remove-header","on":"request","name":"X-A"}', null],
] as const) {
  test(`writes ${JSON.stringify(writes)} and ${type}: ${field === null ? "declared" : "not declared"}`, () => {
    const step = stepOf("pre_request", { writes });
    if (field === null) assert.equal(parse(step, effect(type)).length, 1);
    else {
      const { type: name } = JSON.parse(type);
      const message = `output/effects/0 (${name}): the manifest's writes of pre_request do not list ${field}`;
      assert.equal(failureOf(step, effect(type)), message);
    }
  });
}
