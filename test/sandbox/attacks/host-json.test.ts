import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestGateway } from "#test/harness.ts";
import { watPlugin } from "#test/wat-plugin.ts";
import { openFixture } from "../fixture.ts";

const effects = (...list: readonly string[]) => `{"effects":[${list.join()}]}`;
const header = (name: string, value: string) =>
  `{"type":"set-header","on":"request","name":${JSON.stringify(name)},"value":${JSON.stringify(value)}}`;
const respond = (members: string) => effects(`{"type":"respond",${members}}`);
const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;

/** What a plugin puts out, and the status that the client gets: 500 when the output is refused. */
const outputs: readonly (readonly [string, string | Buffer, number])[] = [
  ["nothing hostile", effects(header("x-fine", "yes")), 200],
  ["__proto__ beside the effects", '{"effects":[],"__proto__":{"polluted":1}}', 500],
  [
    "__proto__ as an effect's member",
    effects('{"type":"tag","name":"a","value":"b","__proto__":{"polluted":1}}'),
    500,
  ],
  ["__proto__ as a header", effects(header("__proto__", "polluted")), 200],
  ["__proto__ as a tag", effects('{"type":"tag","name":"__proto__","value":"polluted"}'), 200],
  ["__proto__ inside a body", respond('"status":200,"body":{"__proto__":{"polluted":1}}'), 200],
  [
    "a patch to __proto__",
    effects(
      '{"type":"patch-body","on":"request","patch":[{"op":"add","path":"/__proto__/polluted","value":1}]}',
    ),
    500,
  ],
  [
    "a patch to constructor.prototype",
    effects(
      '{"type":"patch-body","on":"request","patch":[{"op":"add","path":"/constructor/prototype/polluted","value":1}]}',
    ),
    500,
  ],
  ["100,000 levels of arrays", nested(100_000), 500],
  ["100,000 levels inside a body", respond(`"status":200,"body":${nested(100_000)}`), 500],
  ["100,000 levels that do not end", "[".repeat(100_000), 500],
  ["the same key twice", '{"effects":[{"type":"respond","status":999}],"effects":[]}', 200],
  ["lone surrogates in a body", respond('"status":200,"body":"\\ud800"'), 200],
  ["lone surrogates in a header", effects(header("x-a", "\ud800")), 500],
  ["invalid UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), 500],
  ["CR and LF in a header's value", effects(header("x-a", "b\r\nx-injected: 1")), 500],
  ["CR and LF in a header's name", effects(header("x-a\r\nx-injected", "b")), 500],
  ["NUL in a header's value", effects(header("x-a", "b\0c")), 500],
  [
    "CR and LF in a header of an answer",
    respond('"status":200,"headers":{"x-a":"b\\r\\nset-cookie: c"}'),
    500,
  ],
  ["CR and LF in a path", effects('{"type":"set-path","path":"/a HTTP/1.1\\r\\nhost: b"}'), 500],
  ["status 101", respond('"status":101'), 500],
  ["status 100", respond('"status":100'), 500],
  ["status 999", respond('"status":999'), 500],
  ["status -1", respond('"status":-1'), 500],
  ["status 1e3", respond('"status":1e3'), 500],
  ["a status that is text", respond('"status":"200"'), 500],
];

const escaped = (bytes: Buffer) =>
  Array.from(bytes, (byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");

function pluginThatPuts(name: string, output: Buffer): Uint8Array {
  return watPlugin(
    {
      name,
      hooks: {
        pre_request: {
          reads: [],
          writes: ["request.headers", "request.body", "request.path", "respond", "tags"],
        },
      },
    },
    { pre_request: `(call $puts (i32.const 16) (i32.const ${output.length})) (i32.const 0)` },
    `(data (i32.const 16) "${escaped(output)}")`,
  );
}

test("what a plugin puts out is taken or refused, and leaves the host as it was", async (t) => {
  const names = outputs.map((_, index) => `case-${index}`);
  const gateway = await startTestGateway(t, {
    plugins: Object.fromEntries(
      outputs.map(([, output], index) => [
        names[index],
        pluginThatPuts(`case-${index}`, Buffer.from(output)),
      ]),
    ),
    config: {
      services: { mock: { provider: "mock" } },
      routes: Object.fromEntries([
        ["plain", { match: { paths: ["/v1/*"] }, service: "mock" }],
        ...names.map((name) => [
          name,
          {
            match: { paths: ["/v1/*"], headers: { "x-case": name } },
            service: "mock",
            use: [{ plugin: name }],
          },
        ]),
      ]),
    },
  });
  const ask = (headers: Record<string, string>) =>
    gateway.post(
      "/v1/chat/completions",
      { model: "mock", messages: [{ role: "user", content: "Hi" }] },
      headers,
    );
  for (const [index, [what, , status]] of outputs.entries()) {
    await t.test(`${status}: ${what}`, async () => {
      const answer = await ask({ "x-case": `case-${index}` });
      const text = await answer.text();
      assert.equal(answer.status, status, text);
      assert.equal(answer.headers.has("set-cookie"), false);
      assert.equal(Reflect.get({}, "polluted"), undefined);
      assert.equal((await ask({})).status, 200);
    });
  }
});

for (const key of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
  test(`the config key ${key} is unknown, whatever objects have`, async () => {
    const { pool, call } = await openFixture(
      `(import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
       (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
       (func (export "has") (result i32) (i32.wrap_i64 (call $config_get (call $input_offset))))`,
      { extismConfig: { known: "value" } },
    );
    assert.equal((await call("has", key)).outcome, "ok");
    assert.equal((await call("has", "known")).outcome, "error");
    await pool.close();
  });
}
