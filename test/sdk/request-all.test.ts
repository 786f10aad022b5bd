import assert from "node:assert/strict";
import { test } from "node:test";
import { openPlugin } from "@sandgate/plugin-sdk/testing";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { compileSources, packages, writeSources } from "./source-plugin.ts";

const doing = (body: string) => `import { definePlugin } from "@sandgate/plugin-sdk";
export default definePlugin({
  name: "asking",
  version: "1.0.0",
  capabilities: ["http"],
  hooks: { pre_request: { reads: ["request.path"], writes: ["tags"] } },
  preRequest(input, host) {
    const answer = (value: unknown) => ({ type: "tag", name: "is", value: JSON.stringify(value) } as const);
    ${body}
  },
});
`;
const importsOf = (wasm: Uint8Array) => decodeModule(wasm).imports.map(({ name }) => name);

test("several requests are answered at their places, whatever becomes of the others", async (t) => {
  const source = doing(`const { http } = host;
    return answer(http.requestAll([
      { url: "https://a.example/1", method: "POST", body: "grün", headers: { "x-a": "b" } },
      { url: "https://a.example/never", timeoutMs: 50 },
      { url: "https://b.example/" },
      { url: "https://a.example/2", method: "PUT", body: new Uint8Array([104, 105]) },
      { url: "https://a.example/broken" },
    ]));`);
  const folder = await writeSources(t, { "plugin.ts": source, node_modules: packages });
  await using plugin = await openPlugin(`${folder}/plugin.ts`, {
    grants: { http: ["a.example"] },
    http({ url, body }) {
      if (url.endsWith("never")) return new Promise(() => {});
      if (url.endsWith("broken")) return { error: "connection reset" };
      return { status: 201, headers: { "X-Seen": "yes" }, body: `got ${body}` };
    },
  });
  const { exchange } = await plugin.call("pre_request");
  const none = { status: 0, headers: {}, body: "" };
  assert.deepEqual(JSON.parse(exchange.tags["is"] ?? ""), [
    { status: 201, headers: { "x-seen": "yes" }, body: "got grün" },
    { ...none, error: "timeout" },
    { ...none, error: "refused" },
    { status: 201, headers: { "x-seen": "yes" }, body: "got hi" },
    { ...none, error: "failed" },
  ]);
  assert.deepEqual(
    plugin.http.requests.map(({ method, url }) => `${method} ${url}`),
    [
      "POST https://a.example/1",
      "GET https://a.example/never",
      "PUT https://a.example/2",
      "GET https://a.example/broken",
    ],
  );
});

test("no requests have no answers, and a time that is none is refused", async (t) => {
  const source = doing(`return answer([
    host.http.requestAll([]),
    host.http.requestAll([{ url: "https://a.example/", timeoutMs: -1 }])[0]?.error,
    host.http.request({ url: "https://a.example/", timeoutMs: 50 }).status,
  ]);`);
  const folder = await writeSources(t, { "plugin.ts": source, node_modules: packages });
  await using plugin = await openPlugin(`${folder}/plugin.ts`, {
    grants: { http: ["a.example"] },
    http: () => new Promise(() => {}),
  });
  const { exchange } = await plugin.call("pre_request");
  assert.deepEqual(JSON.parse(exchange.tags["is"] ?? ""), [[], "refused", 0]);
});

test("a module imports the function where its code names it, and says so where it does not", async (t) => {
  const named = await compileSources(t, doing("return answer(host.http.requestAll([]));"));
  assert.ok(importsOf(named.wasm).includes("http_request_all"));
  const hidden = doing(`return answer((host.http as any)["request" + input.request.path.slice(1)]([]));`);
  assert.ok(!importsOf((await compileSources(t, hidden)).wasm).includes("http_request_all"));
  const folder = await writeSources(t, { "plugin.ts": hidden, node_modules: packages });
  await using plugin = await openPlugin(`${folder}/plugin.ts`, { grants: { http: ["a.example"] } });
  const { outcome, error } = await plugin.callRaw("pre_request", {
    stage: "pre-request",
    request: { path: "/All" },
  });
  assert.equal(outcome, "error");
  assert.match(error ?? "", /host\.http\.requestAll is not in this module: .* the name requestAll/);
});
