import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { createUpstream } from "#host/upstream/forward.ts";
import { type FakeUpstream, type Received, startFakeUpstream } from "#test/fake-upstream/fake-upstream.ts";
import { ask, chat, chatStream, failureOf, openBench, readAll, readBroken, readText } from "./exchange.ts";

/** What is no JSON is not read before its reader asks for it. */
const audio = { "content-type": "audio/mpeg" } as const;

test("exchanges one after another share a connection, whatever their ends", async (t) => {
  const { fake, upstream } = await openBench(t);
  for (const script of [{}, { answer: "error-400" }, { answer: "chat-stream" }, { answer: "error-500" }]) {
    await fake.play(script);
    await readAll(await upstream.attempt().forward(ask("/v1/chat/completions", { json: chat })));
    // The connection is free a turn of the event loop after the last byte.
    await nextTurn();
    await nextTurn();
  }
  assert.equal(fake.received.length, 4);
  assert.equal(fake.connections(), 1);
});

test("exchanges at the same time have a connection each", async (t) => {
  const { fake, upstream } = await openBench(t, { headers: audio, fault: { kind: "stall", after: 10 } });
  const answers = await Promise.all(
    [1, 2, 3].map(() => upstream.attempt().forward(ask("/v1/chat/completions", { json: chat }))),
  );
  assert.equal(fake.connections(), 3);
  for (const answer of answers) answer.discard();
});

test("a client that leaves while it waits ends the upstream's exchange", async (t) => {
  const { fake, upstream } = await openBench(t, { fault: { kind: "stall", after: "request" } });
  const client = new AbortController();
  const arrival = fake.arrival();
  const waiting = failureOf(
    upstream.attempt().forward(ask("/v1/chat/completions", { json: chat, signal: client.signal })),
  );
  const received = await arrival;
  client.abort();
  assert.equal((await waiting).code, "client_closed");
  assert.equal(await received.over, false);
});

for (const json of [chat, chatStream]) {
  test(`a client that leaves in the middle ends the upstream's exchange, stream: ${"stream" in json}`, async (t) => {
    const headers = "stream" in json ? {} : audio;
    const { fake, upstream } = await openBench(t, { headers, fault: { kind: "stall", after: 600 } });
    const client = new AbortController();
    const answer = await upstream
      .attempt()
      .forward(ask("/v1/chat/completions", { json, signal: client.signal }));
    const body = answer.body[Symbol.asyncIterator]();
    assert.equal((await body.next()).done, false);
    const next = body.next();
    client.abort();
    await assert.rejects(next, { code: "client_closed" });
    assert.equal(await fake.received[0]?.over, false);
  });
}

test("a client that leaves while a short answer is gathered ends the upstream's exchange", async (t) => {
  const { fake, upstream } = await openBench(t, { fault: { kind: "stall", after: 100 } });
  const client = new AbortController();
  const arrival = fake.arrival();
  const waiting = failureOf(
    upstream.attempt().forward(ask("/v1/chat/completions", { json: chat, signal: client.signal })),
  );
  const received = await arrival;
  await nextTurn();
  client.abort();
  assert.equal((await waiting).code, "client_closed");
  assert.equal(await received.over, false);
});

test("what came before an upstream broke off is read before the failure, however late", async (t) => {
  const { fake, upstream } = await openBench(t, { headers: audio, fault: { kind: "reset", after: 300 } });
  const answer = await upstream.attempt().forward(ask("/v1/chat/completions", { json: chat }));
  await fake.received[0]?.over;
  for (let turn = 0; turn < 20; turn++) await nextTurn();
  const { text, error } = await readBroken(answer);
  assert.equal(Buffer.byteLength(text), 300);
  assert.equal(error.code, "upstream_reset");
});

test("a client that has left before asks nobody", async (t) => {
  const { fake, upstream } = await openBench(t);
  const error = await failureOf(
    upstream.attempt().forward(ask("/v1/models", { signal: AbortSignal.abort() })),
  );
  assert.equal(error.code, "client_closed");
  assert.equal(fake.received.length, 0);
});

test("a client that leaves after the last event gets no complaint", async (t) => {
  const { upstream } = await openBench(t);
  const client = new AbortController();
  const answer = await upstream
    .attempt()
    .forward(ask("/v1/chat/completions", { json: chatStream, signal: client.signal }));
  await readAll(answer);
  client.abort();
  await nextTurn();
});

for (const [name, script] of [
  ["an answer", { headers: audio, fault: { kind: "stall", after: 10 } }],
  ["a stream", { answer: "chat-stream", fault: { kind: "stall", after: 600 } }],
] as const) {
  test(`${name} that is discarded unread ends the upstream's exchange`, async (t) => {
    const { fake, upstream } = await openBench(t, script);
    const answer = await upstream.attempt().forward(ask("/v1/chat/completions", { json: chat }));
    answer.discard();
    assert.equal(await fake.received[0]?.over, false);
    await upstream.close();
  });

  test(`${name} whose reader stops ends the upstream's exchange`, async (t) => {
    const { fake, upstream } = await openBench(t, script);
    const answer = await upstream.attempt().forward(ask("/v1/chat/completions", { json: chat }));
    for await (const chunk of answer.body) {
      assert.ok(chunk.length > 0);
      break;
    }
    assert.equal(await fake.received[0]?.over, false);
  });

  test(`${name} that is discarded in the middle of a read fails that read`, async (t) => {
    const { upstream } = await openBench(t, script);
    const answer = await upstream.attempt().forward(ask("/v1/chat/completions", { json: chat }));
    const reading = readBroken(answer);
    await nextTurn();
    answer.discard();
    assert.equal((await reading).error.blame, "upstream");
  });
}

test("a refused answer frees its connection, however long it is", async (t) => {
  const { fake, upstream } = await openBench(t, { answer: "html", fault: { kind: "stall", after: 10 } });
  await failureOf(upstream.attempt().forward(ask("/v1/models")));
  assert.equal(await fake.received[0]?.over, false);
});

test("an error longer than errors are frees its connection", async (t) => {
  const { fake, upstream } = await openBench(t, { answer: "error-500", body: endless() });
  assert.match(await readText(await upstream.attempt().forward(ask("/v1/models"))), /status 500/);
  assert.equal(await fake.received[0]?.over, false);
});

function* endless(piece = Buffer.alloc(65_536, "data: x\n\n")): Generator<Uint8Array> {
  for (;;) yield piece;
}

/** Once the upstream has not written for many turns of the event loop that it shares with its reader. */
async function standstill(entry: Received): Promise<number> {
  for (let quiet = 0, sent = -1; quiet < 200; quiet = sent === entry.sentBytes ? quiet + 1 : 0) {
    sent = entry.sentBytes;
    await nextTurn();
  }
  return entry.sentBytes;
}

for (const [name, answer] of [
  ["an answer", "chat"],
  ["a stream", "chat-stream"],
  ["audio", "chat"],
] as const) {
  test(`an upstream does not send ${name} faster than it is read`, async (t) => {
    const { fake, upstream } = await openBench(t, {
      answer,
      body: endless(),
      ...(name === "audio" ? { headers: audio } : {}),
    });
    const reply = await upstream.attempt().forward(ask("/v1/chat/completions", { json: chat }));
    const body = reply.body[Symbol.asyncIterator]();
    await body.next();
    const [entry] = fake.received;
    assert.ok(entry !== undefined);
    const stopped = await standstill(entry);
    assert.ok(stopped < 32 * 1024 * 1024, `${stopped} bytes sent`);
    let read = 0;
    while (read < stopped + 1024 * 1024) read += (await body.next()).value?.length ?? 0;
    assert.ok(entry.sentBytes > stopped);
    reply.discard();
    assert.equal(await entry.over, false);
  });
}

test("close waits for what runs; after it nothing starts", async (t) => {
  const { fake, upstream } = await openBench(t, { body: endless() });
  const answer = await upstream.attempt().forward(ask("/v1/chat/completions", { json: chat }));
  let closed = false;
  const closing = upstream.close().then(() => {
    closed = true;
  });
  const error = await failureOf(upstream.attempt().forward(ask("/v1/models")));
  assert.equal(error.code, "upstream_unreachable");
  assert.equal(closed, false);
  answer.discard();
  await closing;
  assert.equal(fake.received.length, 1);
});

async function startThree(t: TestContext): Promise<readonly FakeUpstream[]> {
  const fakes = await Promise.all([startFakeUpstream(), startFakeUpstream(), startFakeUpstream()]);
  t.after(() => Promise.all(fakes.map((fake) => fake.close())));
  return fakes;
}

test("targets take turns, each with its own key; one whose key is empty is left out", async (t) => {
  const fakes = await startThree(t);
  const upstream = createUpstream("three", {
    provider: "openai",
    targets: fakes.map(({ url }, at) => ({ url, key: at === 1 ? "" : `sk-target-${at}` })),
  });
  for (let at = 0; at < 4; at += 1) await readAll(await upstream.attempt().forward(ask("/v1/models")));
  assert.deepEqual(
    fakes.map(({ received }) => received.map(({ headers }) => headers.authorization)),
    [["Bearer sk-target-0", "Bearer sk-target-0"], [], ["Bearer sk-target-2", "Bearer sk-target-2"]],
  );
});

test("service_off: every key is empty", async () => {
  const upstream = createUpstream("demo", {
    provider: "openai",
    targets: [{ url: "http://127.0.0.1:9", key: "" }],
  });
  assert.equal(upstream.off, "every target has an empty key");
  assert.throws(() => upstream.attempt(), {
    code: "service_off",
    message: "The service demo is switched off: every target has an empty key.",
  });
});

test("a target without key gets no credential", async (t) => {
  const [fake] = await startThree(t);
  assert.ok(fake !== undefined);
  const upstream = createUpstream("open", { provider: "openai", targets: [{ url: fake.url }] });
  assert.equal(upstream.off, null);
  await readAll(
    await upstream.attempt().forward(ask("/v1/models", { headers: { authorization: "Bearer sk-alice" } })),
  );
  assert.equal(fake.received[0]?.headers.authorization, undefined);
});

for (const [base, path, url] of [
  ["/v1", "/v1/models", "/v1/models"],
  ["/v1", "/models", "/v1/models"],
  ["/v1/", "/models", "/v1/models"],
  ["/v1", "/v1", "/v1"],
  ["/v1", "/v10/models", "/v1/v10/models"],
  ["/v1", "/v1beta/models", "/v1/v1beta/models"],
  ["/openai/v1", "/v1/models", "/openai/v1/models"],
  ["/api", "/v1/models", "/api/v1/models"],
  ["", "/v1/models", "/v1/models"],
  ["", "/", "/"],
  ["/v1", "/models/", "/v1/models/"],
] as const) {
  test(`the path ${path} on a base that ends in "${base}"`, async (t) => {
    const { fake } = await openBench(t, { answer: "models" });
    const upstream = createUpstream("based", { provider: "openai", targets: [{ url: fake.url + base }] });
    await readAll(await upstream.attempt().forward(ask(path)));
    assert.equal(fake.received[0]?.url, url);
  });
}
