import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { callLimits, egressLimits } from "#host/limits.ts";
import { type FakeUpstream, type Script, startFakeUpstream } from "#test/fake-upstream/fake-upstream.ts";
import type { Fixture } from "#test/sandbox/fixture.ts";
import { grant, openCalls } from "./user-calls.ts";

type Head = {
  readonly status?: number;
  readonly headers?: object;
  readonly bodyBytes?: number;
  readonly error?: string;
};
type Bench = { readonly servers: readonly FakeUpstream[]; readonly plugin: Fixture };
type Wanted = (servers: readonly FakeUpstream[]) => {
  readonly list: unknown;
  readonly bodies?: string | Uint8Array;
};
type Options = { readonly limits?: { readonly deadlineMs?: number; readonly memoryPages?: number } };

/** Servers that play these scripts, and a plugin whose `all` asks for what `wanted` says. */
async function openBench(
  t: TestContext,
  scripts: readonly Script[],
  wanted: Wanted,
  options: Options = {},
): Promise<Bench> {
  const servers = await Promise.all(scripts.map(() => startFakeUpstream()));
  t.after(() => Promise.all(servers.map((server) => server.close())));
  await Promise.all(servers.map((server, at) => server.play({ answer: "chat", ...scripts[at] })));
  const http = servers.map(({ url }) => url.slice("http://".length));
  const { list, bodies = "" } = wanted(servers);
  const text = typeof list === "string" ? list : JSON.stringify(list);
  const all = ["http_request_all", text, bodies] as const;
  // Of answers that are more than a plugin may put out.
  const hooks = { all, only_ask: [all, ["kv_get", "none"]] as const };
  const imports = grant({ grants: { http: [...http, "example.com"], secrets: ["granted"], kv: true } });
  return { servers, plugin: await openCalls(t, imports, hooks, options) };
}

const each = (servers: readonly FakeUpstream[]) => ({ list: servers.map(({ url }) => ({ url })) });

/** What the call has answered: of each request the head, and its body as text. */
async function answersOf(plugin: Fixture): Promise<readonly (Head & { readonly body: string })[]> {
  const { outcome, error, output } = await plugin.call("all");
  assert.equal(outcome, "ok", error ?? "");
  const bytes = Buffer.from(output);
  let at = bytes.indexOf("\n") + 1;
  const heads = JSON.parse(bytes.subarray(0, at).toString()) as Head[];
  const answers = heads.map((head) => {
    const body = bytes.subarray(at, at + (head.bodyBytes ?? 0)).toString();
    at += head.bodyBytes ?? 0;
    return { ...head, body };
  });
  assert.equal(at, bytes.length, "the bodies are all of it");
  return answers;
}

const outcomes = (answers: readonly Head[]) => answers.map(({ status, error }) => status ?? error);
const silent: Script = { fault: { kind: "stall", after: "request" } };

test("each request has its own method, headers and body, and its own answer at its place", async (t) => {
  const scripts = [{ status: 201, body: "grün\n" }, { status: 404, body: "" }, { body: "third" }];
  const { servers, plugin } = await openBench(t, scripts, ([a, b, c]) => ({
    list: [
      { url: `${a?.url}/a`, method: "POST", headers: { "x-plugin": "{{secret:granted}}" }, bodyBytes: 4 },
      { url: `${b?.url}/b` },
      { url: `${c?.url}/c`, method: "PUT", bodyBytes: 3 },
    ],
    bodies: "é\n!two",
  }));
  const answers = await answersOf(plugin);
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body]),
    [
      [201, "grün\n"],
      [404, ""],
      [200, "third"],
    ],
  );
  const sent = servers.map(({ received: [one] }) => [one?.method, one?.url, String(one?.body)]);
  assert.deepEqual(sent, [
    ["POST", "/a", "é\n!"],
    ["GET", "/b", ""],
    ["PUT", "/c", "two"],
  ]);
  assert.equal(servers[0]?.received[0]?.headers["x-plugin"], "s3cret-granted");
});

test("all of them are under way at once", async (t) => {
  const { promise: everyone, resolve } = Promise.withResolvers<void>();
  let waiting = 0;
  async function* body() {
    waiting += 1;
    if (waiting === 3) resolve();
    await everyone;
    yield Buffer.from("met");
  }
  t.signal.addEventListener("abort", () => resolve());
  const { plugin } = await openBench(
    t,
    [1, 2, 3].map(() => ({ body: body() })),
    each,
  );
  assert.deepEqual(
    (await answersOf(plugin)).map((answer) => answer.body),
    ["met", "met", "met"],
  );
});

test("one that is dead takes its own time and nothing of the others", async (t) => {
  async function* trickle() {
    for (;;) {
      yield Buffer.from(".");
      await new Promise((resolve) => setTimeout(resolve, 20).unref());
    }
  }
  const scripts = [{}, silent, { body: trickle() }, { fault: "refuse" }, {}] as const;
  const { servers, plugin } = await openBench(t, scripts, (servers) => ({
    list: servers.map(({ url }) => ({ url, timeoutMs: 150 })),
  }));
  const answers = await answersOf(plugin);
  assert.deepEqual(outcomes(answers), [200, "timeout", "timeout", "failed", 200]);
  assert.equal(await servers[1]?.received[0]?.over, false);
  assert.equal(await servers[2]?.received[0]?.over, false);
  assert.match(plugin.log.map(({ text }) => text).join("\n"), /http_request_all: request 1: .*timeout/);
});

test("what a binding may not ask for is refused by itself, and why is in the log alone", async (t) => {
  const { servers, plugin } = await openBench(t, [{}], ([{ url = "" } = {}]) => ({
    list: [
      { url: "http://169.254.169.254/latest/meta-data/" },
      { url: "http://[::1]:1/" },
      { url: url.replace("127.0.0.1", "localhost") },
      { url, headers: { authorization: "{{secret:other}}" } },
      { url, headers: { host: "x" } },
      { url, timeoutMs: 0 },
      null,
      { url },
    ],
  }));
  const answers = await answersOf(plugin);
  assert.deepEqual(outcomes(answers), [...Array(7).fill("refused"), 200]);
  assert.deepEqual(answers[0], { error: "refused", body: "" });
  assert.equal(servers[0]?.received.length, 1);
  assert.equal(plugin.log.length, 7);
  assert.match(plugin.log[0]?.text ?? "", /request 0: 169\.254\.169\.254 is not in the binding's grants/);
});

test("a secret that an answer repeats does not reach the plugin", async (t) => {
  const { plugin } = await openBench(t, [{ body: "you sent s3cret-granted" }, {}], ([a, b]) => ({
    list: [{ url: a?.url, headers: { authorization: "{{secret:granted}}" } }, { url: b?.url }],
  }));
  assert.deepEqual(outcomes(await answersOf(plugin)), ["refused", 200]);
});

test("a call makes so many requests and no more, also when they are listed at once", async (t) => {
  const { servers, plugin } = await openBench(t, [{}], ([server]) => ({
    list: Array.from({ length: egressLimits.listed }, () => ({ url: server?.url })),
  }));
  const answers = outcomes(await answersOf(plugin));
  assert.equal(servers[0]?.received.length, egressLimits.requests);
  assert.deepEqual(new Set(answers.slice(0, egressLimits.requests)), new Set([200]));
  assert.deepEqual(new Set(answers.slice(egressLimits.requests)), new Set(["limit"]));
  assert.equal(answers.length, egressLimits.listed);
  assert.ok(plugin.log.length <= callLimits.logLines + 1);
});

test("the limit of bytes is for all answers together", async (t) => {
  const mib = Buffer.alloc(2 ** 20);
  const scripts = Array.from({ length: 6 }, () => ({ body: mib }));
  const { plugin } = await openBench(t, scripts, each);
  assert.equal((await plugin.call("only_ask")).outcome, "ok");
  const lines = plugin.log.map(({ text }) => text);
  assert.ok(lines.length >= 2 && lines.length <= 6, lines.join("\n"));
  for (const line of lines) assert.match(line, /the answer has more than 4194304 bytes/);
});

const refused: readonly (readonly [what: string, wanted: ReturnType<Wanted>, says: RegExp])[] = [
  ["10,000 requests", { list: Array(10_000).fill({}) }, /has 10000 of them; 256 are allowed/],
  ["a list of more bytes than a request may have", { list: [" ".repeat(65_536)] }, /more than 65536 bytes/],
  ["a million brackets", { list: "[".repeat(60_000) }, /is not a list in JSON/],
  ["no list", { list: {} }, /is not a list in JSON/],
  ["bodies over the limit", { list: [], bodies: Buffer.alloc(2 ** 20 + 1) }, /more than 1048576 bytes/],
  ["bodies that nobody sends", { list: [{}], bodies: "abc" }, /has 3 bytes; their bodyBytes make 0/],
  ["bodies that are not there", { list: [{ bodyBytes: 9 }], bodies: "abc" }, /their bodyBytes make 9/],
  ["a body of less than none", { list: [{ bodyBytes: -1 }] }, /0\.bodyBytes is not a number of bytes/],
  ["a body of no number", { list: [{ bodyBytes: "9" }] }, /0\.bodyBytes is not a number of bytes/],
];

for (const [what, wanted, says] of refused) {
  test(`a list with ${what} ends the call, and nothing is sent`, async (t) => {
    const { plugin } = await openBench(t, [], () => wanted);
    const { outcome, error } = await plugin.call("all");
    assert.equal(outcome, "error");
    assert.match(error ?? "", says);
  });
}

test("no requests have no answers", async (t) => {
  const { plugin } = await openBench(t, [], () => ({ list: [] }));
  assert.deepEqual(await answersOf(plugin), []);
});

test("the deadline of the call, and a client that leaves, end all that are under way", async (t) => {
  const { servers, plugin } = await openBench(t, [silent, silent, {}], each, { limits: { deadlineMs: 300 } });
  assert.equal((await plugin.call("all")).outcome, "deadline");
  for (const { received } of servers.slice(0, 2)) assert.equal(await received[0]?.over, false);
  const client = new AbortController();
  const arrivals = servers.slice(0, 2).map((server) => server.arrival());
  const running = plugin.call("all", "", { signal: client.signal });
  const received = await Promise.all(arrivals);
  client.abort();
  assert.equal((await running).outcome, "deadline");
  for (const { over } of received) assert.equal(await over, false);
});

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function heldMib(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}

test("a plugin that asks again and again leaves no memory behind", async (t) => {
  const scripts = Array.from({ length: 4 }, () => ({ body: Buffer.alloc(1_000_000) }));
  const { plugin } = await openBench(t, scripts, each);
  // Buffers are freed some time after they were collected, so the least of some rounds counts.
  const leastAfter = async (rounds: number) => {
    let least = Number.POSITIVE_INFINITY;
    for (let round = 0; round < rounds; round += 1) {
      for (let turn = 0; turn < 5; turn += 1) {
        assert.equal((await plugin.call("only_ask")).outcome, "ok");
      }
      await nextTurn();
      least = Math.min(least, heldMib());
    }
    return least;
  };
  await leastAfter(1);
  const early = await leastAfter(5);
  const late = await leastAfter(5);
  assert.ok(late - early < 32, `${early} MiB, then ${late} MiB`);
});
