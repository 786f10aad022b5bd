import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { abiVersion } from "#sdk/abi/hooks.ts";
import { startTestGateway } from "#test/harness.ts";
import { assembleWat, env, helpersWat } from "#test/sandbox/fixture.ts";
import { withManifest } from "#test/wat-plugin.ts";

const chat = { model: "mock", messages: [{ role: "user", content: "Hello" }] };

/** A server that answers `group` requests at once, when the last of them has arrived. */
async function startMeetingPoint(t: TestContext, group: number) {
  const waiting: ServerResponse[] = [];
  const server = createServer((_request, response) => {
    waiting.push(response);
    if (waiting.length === group) for (const one of waiting.splice(0).reverse()) one.end("met");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Asks the server, and sets a header when it is answered; without an answer it traps. */
function asking(name: string, host: string): Uint8Array {
  const request = JSON.stringify({ url: `http://${host}/${name}` });
  const output = JSON.stringify({
    effects: [{ type: "set-header", on: "request", name: `x-${name}`, value: "met" }],
  });
  const text = (value: string) => value.replaceAll('"', '\\"');
  const module = assembleWat(`(module ${env}
    (import "extism:host/env" "http_request" (func $http_request (param i64 i64) (result i64)))
    (import "extism:host/env" "http_status_code" (func $http_status_code (result i32)))
    (memory 1)
    ${helpersWat}
    (data (i32.const 0) "${text(request)}")
    (data (i32.const 1024) "${text(output)}")
    (func (export "pre_request")
      (drop (call $http_request (call $block (i32.const 0) (i32.const ${request.length})) (i64.const 0)))
      (if (i32.ne (call $http_status_code) (i32.const 200)) (then unreachable))
      (call $answer (call $block (i32.const 1024) (i32.const ${output.length})))))`);
  const hook = { writes: [`request.headers.x-${name}`], mode: "parallel" };
  return withManifest(module, {
    name,
    version: "1.0.0",
    abi: abiVersion,
    capabilities: ["http"],
    hooks: { pre_request: hook },
  });
}

async function start(t: TestContext, group: number, mode: "sequential" | "parallel") {
  const host = await startMeetingPoint(t, group);
  const names = ["one", "two", "three"];
  return startTestGateway(t, {
    plugins: Object.fromEntries(names.map((name) => [name, asking(name, host)])),
    config: {
      gateway: { use: names.map((name) => ({ plugin: name, mode, grants: { http: [host] } })) },
      services: { mock: { provider: "mock" } },
      routes: { chat: { match: { paths: ["/v1/*"] }, service: "mock" } },
    },
  });
}

test("parallel steps wait at the same time: each is answered when all have asked", async (t) => {
  const gateway = await start(t, 3, "parallel");
  const answers = await Promise.all([1, 2, 3, 4].map(() => gateway.post("/v1/chat/completions", chat)));
  for (const answer of answers) {
    assert.equal(answer.status, 200);
    const { sandgate_mock: seen } = (await answer.json()) as { sandgate_mock: { headers: object } };
    assert.deepEqual(
      Object.entries(seen.headers).filter(([, value]) => value === "met"),
      [
        ["x-one", "met"],
        ["x-three", "met"],
        ["x-two", "met"],
      ],
    );
  }
});

test("sequential steps wait one after another: none asks before the one before it was answered", async (t) => {
  const gateway = await start(t, 1, "sequential");
  assert.equal((await gateway.post("/v1/chat/completions", chat)).status, 200);
  const lonely = await start(t, 2, "sequential");
  const answer = await lonely.post("/v1/chat/completions", chat);
  assert.equal(answer.status, 500);
  const line = await lonely.logged(({ msg }) => msg === "a plugin failed");
  assert.deepEqual([line["plugin"], line["outcome"]], ["one", "deadline"]);
});
