import assert from "node:assert/strict";
import { test } from "node:test";
import type { Manifest } from "#sdk/abi/manifest.ts";
import { startTestGateway } from "#test/harness.ts";
import { textOf } from "#test/sandbox/fixture.ts";
import { compilePlugin } from "./assembly-script.ts";
import { openModule } from "./open-module.ts";
import { readPage } from "./page.ts";

const { files } = await readPage("plugins-in-assemblyscript.md");
const manifest = JSON.parse(files["manifest.json"] ?? "null") as Manifest;
const wasm = await compilePlugin(files["assembly/index.ts"] ?? "", manifest);

const inputWith = (content: unknown) => ({
  stage: "pre-request",
  request: {
    headers: {},
    body: {
      messages: [
        { role: "system", content: "Be kind." },
        { role: "user", content },
      ],
    },
  },
});

test("the plugin of docs/plugins-in-assemblyscript.md finds its words in texts and in parts", async (t) => {
  const { call, log } = await openModule(t, wasm, { config: { words: ["Voldemort", "é"] } });
  const wordOf = async (content: unknown) => {
    const result = await call("pre_request", inputWith(content));
    assert.equal(result.outcome, "ok", result.error ?? "");
    return JSON.parse(textOf(result)).effects[1]?.value;
  };
  assert.equal(await wordOf("Who is VOLDEMORT?"), "voldemort");
  assert.equal(await wordOf([{ type: "image_url" }, { type: "text", text: "caf\u00e9" }]), "é");
  assert.deepEqual(log, ["info: message 1 has the word voldemort", "info: message 1 has the word é"]);
  for (const content of ["Who is Tom?", "", null, 7, [], [[]], { text: "voldemort" }]) {
    assert.equal(await wordOf(content), undefined, JSON.stringify(content));
  }
});

test("the plugin of docs/plugins-in-assemblyscript.md works in a gateway", async (t) => {
  const gateway = await startTestGateway(t, {
    plugins: { "word-guard": wasm },
    config: {
      gateway: { use: [{ plugin: "word-guard", config: { words: ["voldemort"] } }] },
      services: { mock: { provider: "mock" } },
      routes: { chat: { match: { paths: ["/v1/*"] }, service: "mock" } },
    },
  });
  const ask = (content: string) =>
    gateway.post("/v1/chat/completions", { model: "mock", messages: [{ role: "user", content }] });
  assert.equal((await ask("Hello")).status, 200);
  const refused = await ask("Hello, Voldemort");
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /The word voldemort is not allowed\./);
});
