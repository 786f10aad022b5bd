import assert from "node:assert/strict";
import { test } from "node:test";
import { startFakeUpstream } from "#test/fake-upstream/fake-upstream.ts";
import { textOf } from "#test/sandbox/fixture.ts";
import { openSources, withBody } from "./source-plugin.ts";

// The globals that the README of @extism/js-pdk shows, in plugins as its users write them: no definePlugin.

const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);

test("Host.inputString and Host.outputString", async (t) => {
  const plugin = await openSources(
    t,
    "export function greet() { globalThis.Host.outputString('Hello, ' + Host.inputString()); }",
  );
  assert.equal(textOf(await plugin.call("greet", "Bénjamin 🦀\0")), "Hello, Bénjamin 🦀\0");
  assert.equal(textOf(await plugin.call("greet", "")), "Hello, ");
});

test("Host.inputBytes and Host.outputBytes are the bytes, whatever they are", async (t) => {
  const plugin = await openSources(
    t,
    `export function same() { Host.outputBytes(Host.inputBytes()); }
     export function kind() { Host.outputString(String(Host.inputBytes() instanceof ArrayBuffer)); }
     export function view() { Host.outputBytes(new Uint16Array(Host.inputBytes(), 2, 3)); }`,
  );
  assert.deepEqual([...(await plugin.call("same", bytes)).output], [...bytes]);
  assert.equal((await plugin.call("same", "")).output.length, 0);
  assert.equal(textOf(await plugin.call("kind", bytes)), "true");
  assert.deepEqual([...(await plugin.call("view", bytes)).output], [...bytes.slice(2, 8)]);
});

test("Host.arrayBufferToBase64 and Host.base64ToArrayBuffer", async (t) => {
  const plugin = await openSources(
    t,
    `export function to() { Host.outputString(Host.arrayBufferToBase64(Host.inputBytes())); }
     export function from() { Host.outputBytes(Host.base64ToArrayBuffer(Host.inputString())); }`,
  );
  const base64 = Buffer.from(bytes).toString("base64");
  assert.equal(textOf(await plugin.call("to", bytes)), base64);
  assert.deepEqual([...(await plugin.call("from", base64)).output], [...bytes]);
});

test("Config.get answers a text, or null", async (t) => {
  const plugin = await openSources(
    t,
    "export function read() { Host.outputString(JSON.stringify(['user', 'none', ''].map((key) => Config.get(key)))); }",
    { extismConfig: { user: "ada é" } },
  );
  assert.equal(textOf(await plugin.call("read")), '["ada é",null,null]');
});

test("Var holds texts and bytes until the call has ended", async (t) => {
  const plugin = await openSources(
    t,
    `export function use() {
       const before = Var.getString("count");
       Var.set("count", "é1");
       Var.set("bytes", new Uint8Array([0, 1, 2, 255]).subarray(1));
       Host.outputString(JSON.stringify([
         before, Var.getString("count"), [...new Uint8Array(Var.getBytes("bytes"))], Var.getBytes("none"),
       ]));
     }`,
  );
  for (let call = 0; call < 2; call++) {
    assert.equal(textOf(await plugin.call("use")), '[null,"é1",[1,2,255],null]');
  }
});

test("Http.request, in a plugin that declares http", async (t) => {
  const server = await startFakeUpstream();
  t.after(() => server.close());
  await server.play({ answer: "chat", status: 201, body: "grün" });
  const source = withBody(
    `const request = { url: input.url, method: "POST", headers: { "X-A": "b", "X-N": 1, "X-T": true } };
     const { status, body, headers } = Http.request(request, input.bytes ? new Uint8Array([255, 0, 65]).subarray(1) : "sent é");
     return { type: "tag", name: "t", value: [status, body, headers["content-type"]].join() };`,
  ).replace("version:", 'capabilities: ["http"], version:');
  const plugin = await openSources(t, source, { grants: { http: [server.url.slice("http://".length)] } });
  assert.match(await plugin.tag({ url: `${server.url}/path` }), /^201,grün,application\/json/);
  await plugin.tag({ url: `${server.url}/path`, bytes: true });
  const [texts, bytes] = server.received;
  assert.deepEqual([texts?.method, texts?.url], ["POST", "/path"]);
  assert.deepEqual(
    ["x-a", "x-n", "x-t"].map((name) => texts?.headers[name]),
    ["b", "1", "true"],
  );
  assert.deepEqual([String(texts?.body), String(bytes?.body)], ["sent é", "\0A"]);
});

test("what a function returns is the export's result: 0 is well, another number is an error", async (t) => {
  const plugin = await openSources(
    t,
    `export function nothing() {}
     export function zero() { return 0; }
     export function seven() { return 7; }
     export async function later() { await null; return 7; }
     export function text() { return "7"; }`,
  );
  const ended: string[] = [];
  for (const name of plugin.compiled.exports) {
    const { outcome, error } = await plugin.call(name);
    ended.push(`${name}: ${outcome} ${error}`);
  }
  assert.deepEqual(ended, [
    "later: error returned 7 without an error",
    "nothing: ok null",
    "seven: error returned 7 without an error",
    "text: ok null",
    "zero: ok null",
  ]);
});

for (const assigned of [
  "module.exports = { greet, wave, limit: 5 };",
  "exports.greet = greet; exports.wave = wave;",
]) {
  test(`functions of a CommonJS file are exports: ${assigned}`, async (t) => {
    const plugin = await openSources(
      t,
      `function greet() { Host.outputString("hello"); }\nconst wave = () => 3;\n${assigned}`,
    );
    assert.deepEqual(plugin.compiled.exports, ["greet", "wave"]);
    assert.equal(plugin.compiled.manifest, null);
    assert.equal(textOf(await plugin.call("greet")), "hello");
  });
}
