import assert from "node:assert/strict";
import { test } from "node:test";
import { openSources, withBody } from "./source-plugin.ts";

const echo = `return { type: "tag", name: "t", value: JSON.stringify(input.value) };`;

for (const { title, value } of [
  { title: "characters beyond the first plane", value: "\u{1f980} \u{10ffff}" },
  { title: "NUL and other controls", value: "a\0b\u0001\u001f\u007f\u0080" },
  { title: "separators that JSON allows and JavaScript once did not", value: "\u2028\u2029" },
  { title: "a byte order mark", value: "\ufeffa" },
  { title: "combining characters, as they are", value: "e\u0301 \u00e9" },
  { title: "half a pair", value: "\ud800 \udfff" },
  {
    title: "numbers to the last digit",
    value: [0.1, -0, 1e21, 5e-324, 1.7976931348623157e308],
  },
  {
    title: "names that objects have by themselves",
    value: JSON.parse('{"__proto__":1,"constructor":2,"toString":3}'),
  },
  { title: "names that are numbers, in the order of JavaScript", value: { b: 1, 2: 1, a: 1, 1: 1 } },
  { title: "nothing", value: [null, {}, [], "", [[]]] },
  { title: "a long text", value: "ä".repeat(20_000) },
]) {
  test(`input reaches a plugin and its answer the host unchanged: ${title}`, async (t) => {
    const plugin = await openSources(t, withBody(echo));
    assert.deepEqual(JSON.parse(await plugin.tag({ value })), JSON.parse(JSON.stringify(value)));
  });
}

test("half a pair in an effect is escaped, so that the output is UTF-8", async (t) => {
  const plugin = await openSources(
    t,
    withBody(`return { type: "tag", name: "t", value: input.value[0] + "x" };`),
  );
  const { output } = await plugin.call("pre_request", { value: "\u{1f980}" });
  assert.equal(Buffer.from(output).toString(), '{"effects":[{"type":"tag","name":"t","value":"\\ud83ex"}]}');
});

test("input that is no JSON is an error that says where", async (t) => {
  const plugin = await openSources(t, withBody(echo));
  for (const input of ["", "{", '{"value":1} x', "\0", Uint8Array.of(0xff, 0xfe)]) {
    const { outcome, error } = await plugin.call("pre_request", input);
    assert.equal(outcome, "error");
    assert.match(error ?? "", /^SyntaxError: /);
  }
});

for (const { title, body, error } of [
  {
    title: "a circle",
    body: "const a: any = { type: 'tag' }; a.a = a; return a;",
    error: /^TypeError: circular reference/,
  },
  {
    title: "a big integer",
    body: "return { type: 'tag', name: 't', value: 1n as any };",
    error: /^TypeError: /,
  },
  {
    title: "a toJSON that throws",
    body: "return { toJSON() { throw new RangeError('x'); } } as any;",
    error: /^RangeError: x\n/,
  },
]) {
  test(`an answer that JSON cannot hold is an error: ${title}`, async (t) => {
    const plugin = await openSources(t, withBody(body));
    const result = await plugin.call("pre_request");
    assert.equal(result.outcome, "error");
    assert.match(result.error ?? "", error);
  });
}
