import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { answeredBy, assertTypedError, chat, openBench, paths } from "./bench.ts";
import { openSocket, readToEnd } from "./raw-client.ts";

for (const [path, hasOwnId] of [
  [paths.openai, false],
  [paths.anthropic, true],
] as const) {
  test(`an answer carries the gateway's request id, the upstream's, and timings: ${path}`, async (t) => {
    const { gateway } = await openBench(t);
    const { headers } = await answeredBy(await gateway.post(path, chat, { "x-request-id": "of-the-client" }));
    const id = headers["x-request-id"];
    assert.match(id ?? "", /^[0-9a-f-]{36}$/);
    assert.equal(headers["request-id"], hasOwnId ? id : undefined);
    assert.ok(headers["x-upstream-request-id"]);
    assert.match(
      headers["server-timing"] ?? "",
      /^plugins;dur=\d+\.\d\d, upstream;dur=\d+\.\d\d, total;dur=/,
    );
  });
}

test("HEAD is answered with the headers alone", async (t) => {
  const { gateway } = await openBench(t);
  for (const path of ["/v1/models", "/v1/nothing", "/healthz"]) {
    const response = await gateway.fetch(path, { method: "HEAD" });
    assert.equal(await response.text(), "", path);
  }
});

test("a connection stays open after errors that the whole request was read for", async (t) => {
  const bench = await openBench(t);
  const socket = await openSocket(bench.gateway.url);
  const json = "no JSON";
  const bad = `POST ${paths.openai} HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n${json}`;
  for (const status of [400, 400, 400]) {
    socket.write(bad);
    const [bytes] = await once(socket, "data");
    assert.match(String(bytes), new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.match(String(bytes), /\r\nConnection: keep-alive\r\n/i);
  }
  socket.destroy();
});

test("no route, in the shape of each API", async (t) => {
  const { gateway } = await openBench(t, { config: { routes: {} } });
  for (const [surface, path] of Object.entries(paths)) {
    const answer = await answeredBy(await gateway.post(path, chat));
    await assertTypedError(gateway, answer, { code: "no_route", surface: surface as keyof typeof paths });
  }
});

test("a method that no route of the path takes is told which are", async (t) => {
  const routes = { all: { match: { paths: ["/v1/*"], methods: ["POST", "PUT"] }, service: "fake" } };
  const { gateway } = await openBench(t, { config: { routes } });
  for (const method of ["GET", "DELETE"]) {
    const answer = await answeredBy(await gateway.fetch(paths.anthropic, { method }));
    await assertTypedError(gateway, answer, { code: "method_not_allowed", surface: "anthropic" });
    assert.equal(answer.headers["allow"], "POST, PUT");
  }
});

test("an answer whose body fails never looks whole, not even to HTTP/1.0", async (t) => {
  const script = {
    headers: { "content-type": "audio/mpeg" },
    fault: { kind: "reset", after: 100 },
  } as const;
  const { gateway } = await openBench(t, { script });
  const json = JSON.stringify(chat);
  const fields = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(json)}`;
  const socket = await openSocket(gateway.url);
  const reset = once(socket, "error");
  socket.resume().write(`POST ${paths.openai} HTTP/1.0\r\n${fields}\r\n\r\n${json}`);
  assert.equal(((await reset)[0] as { code?: string }).code, "ECONNRESET");
  const modern = await openSocket(gateway.url);
  modern.write(`POST ${paths.openai} HTTP/1.1\r\nHost: g\r\n${fields}\r\n\r\n${json}`);
  const text = (await readToEnd(modern)).toString();
  assert.match(text, /transfer-encoding: chunked\r\n/i);
  assert.doesNotMatch(text, /0\r\n\r\n$/);
});
