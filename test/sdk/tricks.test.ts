import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestGateway } from "#test/harness.ts";
import { compileSources, withBody } from "./source-plugin.ts";

const fine = /^200 .*echo: Hello/;
const failed = /^500 .*plugin_failed/;

/** Plugins that change what everything is made of; each must harm nobody but itself. */
const tricks: readonly {
  readonly trick: string;
  readonly before?: string;
  readonly body: string;
  readonly answer: RegExp;
}[] = [
  {
    trick: "toJSON on every object",
    answer: failed,
    body: "(Object.prototype as any).toJSON = () => 5; return effect;",
  },
  {
    trick: "toJSON on every array",
    answer: failed,
    body: "(Array.prototype as any).toJSON = () => ({ a: 1 }); return effect;",
  },
  {
    trick: "__proto__ as the name of a tag",
    answer: fine,
    body: "return { type: 'tag', name: '__proto__', value: 'v' };",
  },
  {
    trick: "__proto__ in an effect",
    answer: failed,
    body: `return JSON.parse('{"type":"tag","name":"t","value":"v","__proto__":{"type":"respond"}}');`,
  },
  {
    trick: "__proto__ as a header",
    answer: fine,
    body: "return { type: 'set-header', on: 'request', name: '__proto__', value: 'v' };",
  },
  {
    trick: "a body with __proto__",
    answer: fine,
    body: `return { type: "replace-body", on: "request", body: { ...input.request.body, ...JSON.parse('{"__proto__":{"polluted":1}}') } };`,
  },
  { trick: "effects that are no list", answer: failed, body: "return { length: 3, 0: effect } as any;" },
  { trick: "an effect that is a function", answer: failed, body: "return [() => effect] as any;" },
  {
    trick: "Promise replaced",
    answer: fine,
    body: "(globalThis as any).Promise = class { then() { throw 1; } }; return effect;",
  },
  {
    trick: "then on every object",
    answer: failed,
    body: "(Object.prototype as any).then = () => { throw 1; }; return (async () => effect)();",
  },
  {
    trick: "JSON replaced",
    answer: fine,
    body: "(globalThis as any).JSON = { parse: () => ({}), stringify: () => 'x' }; return effect;",
  },
  {
    trick: "Array.isArray replaced",
    answer: failed,
    body: "(Array as any).isArray = () => false; return [effect] as any;",
  },
  {
    trick: "everything frozen",
    answer: fine,
    before: "Object.freeze(globalThis); Object.freeze(Object.prototype); Object.freeze(Array.prototype);",
    body: "return effect;",
  },
  {
    trick: "an iterator that throws",
    answer: fine,
    body: "(Array.prototype as any)[Symbol.iterator] = () => { throw 1; }; return [effect];",
  },
  {
    trick: "a getter in place of a member of Error",
    answer: failed,
    body: "Object.defineProperty(Error.prototype, 'name', { get() { throw 1; } }); throw new Error('x');",
  },
];

test("a plugin that changes prototypes or answers oddly harms no request but its own", async (t) => {
  const plugins: Record<string, Uint8Array> = {};
  for (const [index, { before = "", body }] of tricks.entries()) {
    const source = withBody(`const effect = { type: "tag", name: "t", value: "v" } as const; ${body}`, before)
      .replace('name: "made"', `name: "trick-${index}"`)
      .replace('writes: ["tags"]', 'writes: ["tags", "request.headers", "request.body", "respond"]');
    plugins[`trick-${index}`] = (await compileSources(t, source)).wasm;
  }
  const route = (model: string, ...use: string[]) => ({
    match: { paths: ["/v1/*"], models: [model] },
    service: "mock",
    use: use.map((plugin) => ({ plugin })),
  });
  const gateway = await startTestGateway(t, {
    plugins,
    config: {
      services: { mock: { provider: "mock" } },
      routes: {
        plain: route("plain"),
        ...Object.fromEntries(Object.keys(plugins).map((name) => [name, route(name, name)])),
      },
      consumers: { alice: { keys: ["sk-alice-test"] } },
    },
  });
  const ask = (model: string) =>
    gateway.post("/v1/chat/completions", { model, messages: [{ role: "user", content: "Hello" }] });
  for (const [index, { trick, answer }] of tricks.entries()) {
    await t.test(trick, async () => {
      const asked = await ask(`trick-${index}`);
      const text = await asked.text();
      assert.match(`${asked.status} ${text}`, answer);
      const plain = await ask("plain");
      assert.match(`${plain.status} ${await plain.text()}`, fine);
    });
  }
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});
