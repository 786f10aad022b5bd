import assert from "node:assert/strict";
import { test } from "node:test";
import { openSources, withBody } from "./source-plugin.ts";

for (const { title, body } of [
  { title: "one effect", body: "return effect;" },
  { title: "a list", body: "return [effect];" },
  { title: "a promise", body: "return Promise.resolve(effect);" },
  {
    title: "an async function's result",
    body: "return (async () => { await null; await null; return [effect]; })();",
  },
  {
    title: "a promise that a later job settles",
    body: "return new Promise((done) => { queueMicrotask(() => done(effect)); });",
  },
]) {
  test(`a handler may answer with ${title}`, async (t) => {
    const plugin = await openSources(
      t,
      withBody(`const effect = { type: "tag", name: "t", value: "v" } as const; ${body}`),
    );
    assert.equal(await plugin.tag(), "v");
  });
}

for (const body of [
  "",
  "return;",
  "return undefined;",
  "return null as any;",
  "return [];",
  "return (async () => {})();",
]) {
  test(`no effects, no output: ${JSON.stringify(body)}`, async (t) => {
    const plugin = await openSources(t, withBody(body));
    const { outcome, output } = await plugin.call("pre_request");
    assert.deepEqual([outcome, output.length], ["ok", 0]);
  });
}

test("a promise that nothing can settle is an error that says so", async (t) => {
  const plugin = await openSources(t, withBody("return new Promise<never>(() => {});"));
  const { outcome, error } = await plugin.call("pre_request");
  assert.equal(outcome, "error");
  assert.match(error ?? "", /the promise that the handler returned never settles/);
});

for (const { title, body } of [
  { title: "a loop", body: "for (;;);" },
  {
    title: "a loop that catches whatever ends it",
    body: "for (;;) { try { for (;;); } catch {} finally { continue; } }",
  },
  {
    title: "microtasks that make microtasks",
    body: "const more = () => { queueMicrotask(more); }; more(); return [];",
  },
  {
    title: "promises that make promises",
    body: "const more = async (): Promise<void> => { await null; return more(); }; return more();",
  },
  { title: "a pattern that backtracks", body: "/^(a+)+$/.test('a'.repeat(40) + 'b');" },
  {
    title: "a search through a long text",
    body: "const text = 'a'.repeat(500_000); for (;;) text.indexOf('a'.repeat(2_000) + 'b');",
  },
  {
    title: "a long sort",
    body: "Array.from({ length: 400_000 }, (_, i) => (i * 7919) % 400_009).sort((a, b) => a - b);",
  },
  { title: "a big number's power", body: "for (let n = 3n; ; n = n ** 3n) n.toString();" },
]) {
  test(`fuel ends ${title}, and the next call is as the first`, async (t) => {
    const plugin = await openSources(
      t,
      withBody(`if (input.fine) return { type: "tag", name: "t", value: "fine" }; ${body}`),
    );
    assert.equal((await plugin.call("pre_request")).outcome, "fuel");
    assert.equal(await plugin.tag({ fine: true }), "fine");
  });
}

test("memory without an end is the outcome memory", async (t) => {
  const plugin = await openSources(
    t,
    withBody("const all: any[] = []; for (;;) all.push(new Uint8Array(100_000));"),
  );
  assert.equal((await plugin.call("pre_request")).outcome, "memory");
});

test("every call starts from the state after configure", async (t) => {
  const plugin = await openSources(
    t,
    `import { definePlugin } from "@sandgate/plugin-sdk";
     let calls = 0;
     let table: Record<string, number> = {};
     export default definePlugin({
       name: "made", version: "1.0.0", hooks: { pre_request: { writes: ["tags"] } },
       configure(config: any) { table = { from: config.start }; },
       preRequest() {
         calls++;
         table["from"] = (table["from"] ?? 0) + 1;
         (globalThis as any).left = ((globalThis as any).left ?? 0) + 1;
         (Array.prototype as any).left = ((Array.prototype as any).left ?? 0) + 1;
         return { type: "tag", name: "t", value: [calls, table["from"], (globalThis as any).left, ([] as any).left].join() };
       },
     });`,
    { config: { start: 10 } },
  );
  for (let call = 0; call < 3; call++) assert.equal(await plugin.tag(), "1,11,1,1");
});

test("jobs that a failed call left behind do not run in the next", async (t) => {
  const plugin = await openSources(
    t,
    withBody(
      `if (input.first) { queueMicrotask(() => { ran = true; throw 1; }); throw new Error("first"); }
       return { type: "tag", name: "t", value: String(ran) };`,
      "let ran = false;",
    ),
  );
  assert.equal((await plugin.call("pre_request", { first: true })).outcome, "error");
  assert.equal(await plugin.tag(), "false");
});
