import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "#host/errors.ts";
import type { Surface } from "#host/surface.ts";
import type { Script } from "#test/fake-upstream/fake-upstream.ts";
import { answeredBy, assertServes, assertTypedError, chat, openBench, paths } from "./bench.ts";

/** What is no JSON goes on chunk by chunk. */
const audioType = { "content-type": "audio/mpeg" } as const;

type Case = { readonly name: string; readonly script: Script; readonly code: ErrorCode };

const failing: readonly Case[] = [
  { name: "nothing listens", script: { fault: "refuse" }, code: "upstream_unreachable" },
  { name: "no HTTP", script: { fault: "garbage" }, code: "upstream_invalid" },
  { name: "headers too large", script: { fault: "huge-headers" }, code: "upstream_invalid" },
  { name: "headers without end", script: { fault: "endless-headers" }, code: "upstream_invalid" },
  { name: "a reset", script: { fault: { kind: "reset", after: "request" } }, code: "upstream_reset" },
  {
    name: "a reset in the headers",
    script: { fault: { kind: "reset", after: "half-headers" } },
    code: "upstream_reset",
  },
  { name: "silence", script: { fault: { kind: "stall", after: "request" } }, code: "upstream_timeout" },
  { name: "a refused key", script: { answer: "error-401" }, code: "upstream_invalid" },
  { name: "a redirect", script: { answer: "redirect" }, code: "upstream_invalid" },
  { name: "a web page", script: { answer: "html" }, code: "upstream_invalid" },
  {
    name: "gzip",
    script: { answer: "chat", headers: { "content-encoding": "gzip" } },
    code: "upstream_invalid",
  },
  { name: "br", script: { answer: "chat", headers: { "content-encoding": "br" } }, code: "upstream_invalid" },
  { name: "a status that means nothing", script: { status: 777 }, code: "upstream_invalid" },
];

test("an upstream that fails before its answer, in the shape of each API", async (t) => {
  const bench = await openBench(t, { timeouts: { headers: "300ms" } });
  for (const { name, script, code } of failing) {
    await t.test(`${code}: ${name}`, async () => {
      for (const [surface, path] of Object.entries(paths) as [Surface, string][]) {
        await bench.fake.play(script);
        const answer = await answeredBy(await bench.gateway.post(path, chat));
        await assertTypedError(bench.gateway, answer, { code, surface });
        await assertServes(bench);
      }
    });
  }
});

const midway = [
  ["a reset", { fault: { kind: "reset", after: 100 } }, "upstream_reset"],
  [
    "a reset before a known length",
    { headers: { "content-length": "5000" }, fault: { kind: "reset", after: 100 } },
    "upstream_reset",
  ],
  ["silence", { fault: { kind: "stall", after: 100 } }, "upstream_timeout"],
] as const satisfies readonly (readonly [string, Script, ErrorCode])[];

for (const [name, script, code] of midway) {
  test(`${code}: ${name} in the middle of a short answer in JSON is an answer of its own`, async (t) => {
    const bench = await openBench(t, { script, timeouts: { body: "300ms" } });
    for (const [surface, path] of Object.entries(paths) as [Surface, string][]) {
      await bench.fake.play(script);
      const answer = await answeredBy(await bench.gateway.post(path, chat));
      await assertTypedError(bench.gateway, answer, { code, surface });
    }
    await assertServes(bench);
  });

  test(`${code}: ${name} in the middle of audio cuts the client's connection`, async (t) => {
    const audio = { ...script, headers: { ...("headers" in script ? script.headers : {}), ...audioType } };
    const bench = await openBench(t, { script: audio, timeouts: { body: "300ms" } });
    const response = await bench.gateway.post(paths.openai, chat);
    assert.equal(response.status, 200);
    const id = response.headers.get("x-request-id");
    await assert.rejects(response.text());
    const line = await bench.gateway.logged((one) => one["requestId"] === id);
    assert.partialDeepStrictEqual(line, { code, blame: "upstream", service: "fake", route: "all" });
    await assertServes(bench);
  });
}

test("JSON that is longer than the host waits for goes on as it comes", async (t) => {
  const long = JSON.stringify({ text: "x".repeat(300_000) });
  const { gateway, fake } = await openBench(t, { script: { body: long } });
  const response = await gateway.post(paths.openai, chat);
  assert.equal(await response.text(), long);
  await fake.play({ body: long, fault: { kind: "reset", after: 290_000 } });
  await assert.rejects(async () => (await gateway.post(paths.openai, chat)).text());
});

for (const [name, body] of [
  ["JSON with odd white space", '\n{ "a":\t[ 1 ,2 ] }\r\n '],
  ["JSON that is none", '{"choices": [oops'],
  ["bytes that are no UTF-8", Buffer.from("\xff\xfe\x00", "latin1")],
  ["nothing", ""],
] as const) {
  for (const type of ["application/json", "application/octet-stream"]) {
    test(`an answer goes to the client byte for byte: ${name} as ${type}`, async (t) => {
      const script = { body, headers: { "content-type": type }, chunkBytes: 3 };
      const { gateway } = await openBench(t, { script });
      const response = await gateway.post(paths.openai, chat);
      assert.equal(response.headers.get("content-type"), type);
      assert.deepEqual(Buffer.from(await response.arrayBuffer()), Buffer.from(body));
    });
  }
}

test("an upstream's header that is no ASCII reaches the client or nobody, and the gateway goes on", async (t) => {
  const bench = await openBench(t, {
    script: { headers: { "openai-version": Buffer.from("Grüße 👋").toString("latin1") } },
  });
  const response = await bench.gateway.post(paths.openai, chat);
  assert.equal(response.status, 200);
  assert.equal(((await response.json()) as { object: string }).object, "chat.completion");
  await assertServes(bench);
});
