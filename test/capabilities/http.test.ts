import assert from "node:assert/strict";
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { egressLimits } from "#host/limits.ts";
import { type FakeUpstream, type Script, startFakeUpstream } from "#test/fake-upstream/fake-upstream.ts";
import { type Fixture, numberOf, textOf } from "#test/sandbox/fixture.ts";
import { grantHttp, type HttpOptions, openHttpPlugin } from "./http-plugin.ts";

type Bench = { readonly server: FakeUpstream; readonly host: string; readonly plugin: Fixture };

/** A server that plays `script`, and a plugin that is granted its host and port. */
async function openBench(t: TestContext, script: Script = {}, options: HttpOptions = {}): Promise<Bench> {
  const server = await startFakeUpstream();
  t.after(() => server.close());
  await server.play({ answer: "chat", ...script });
  const host = server.url.slice("http://".length);
  return { server, host, plugin: await openHttpPlugin(t, [host], options) };
}

const logged = (plugin: Fixture) => plugin.log.map(({ level, text }) => `${level} ${text}`);

test("the plugin gets body, status and headers as the server wrote them", async (t) => {
  const { server, plugin } = await openBench(t, {
    status: 201,
    body: "grün",
    headers: { "x-two": ["a", "b"] },
  });
  const request = JSON.stringify({ url: `${server.url}/a?b=c#d`, headers: { "X-Plugin": "was here" } });
  assert.equal(textOf(await plugin.call("body", request)), "grün");
  assert.equal(numberOf(await plugin.call("status", request)), 201n);
  const headers = JSON.parse(textOf(await plugin.call("headers", request)));
  assert.equal(headers["x-two"], "a, b");
  assert.equal(headers["content-type"], "application/json");
  assert.equal(server.received[0]?.method, "GET");
  assert.equal(server.received[0]?.url, "/a?b=c");
  assert.equal(server.received[0]?.headers["x-plugin"], "was here");
  assert.equal(server.received[0]?.body.length, 0);
  assert.deepEqual(plugin.log, []);
});

test("a body is sent with its length, by the method that is asked for", async (t) => {
  const { server, host, plugin } = await openBench(t, {}, { posts: egressLimits.requestBytes });
  for (const method of ["post", "PUT", "PATCH", "DELETE", "GET"]) {
    const result = await plugin.call("status_of_post", JSON.stringify({ url: server.url, method }));
    assert.equal(numberOf(result), 200n);
  }
  assert.deepEqual(
    server.received.map(({ method }) => method),
    ["POST", "PUT", "PATCH", "DELETE", "GET"],
  );
  for (const { headers, body } of server.received) {
    assert.equal(body.length, egressLimits.requestBytes);
    assert.equal(headers["content-length"], String(egressLimits.requestBytes));
    assert.equal(headers.host, host);
  }
});

test("a redirect is the plugin's to follow", async (t) => {
  const { server, plugin } = await openBench(t, { answer: "redirect" });
  const request = JSON.stringify({ url: server.url });
  assert.equal(numberOf(await plugin.call("status", request)), 307n);
  const headers = JSON.parse(textOf(await plugin.call("headers", request)));
  assert.equal(headers.location, "http://169.254.169.254/latest/meta-data/");
  assert.equal(numberOf(await plugin.call("status", JSON.stringify({ url: headers.location }))), 0n);
  assert.deepEqual(logged(plugin), ["error http_request: 169.254.169.254 is not in the binding's grants"]);
  assert.equal(server.received.length, 2);
});

test("a compressed body stays as it is: nothing can expand in the host", async (t) => {
  const body = gzipSync(Buffer.alloc(8 * 1024 * 1024));
  const { server, plugin } = await openBench(t, { body, headers: { "content-encoding": "gzip" } });
  const result = await plugin.call("body", JSON.stringify({ url: server.url }));
  assert.deepEqual(Buffer.from(result.output), body);
});

test("without a grant nothing is sent", async (t) => {
  const server = await startFakeUpstream();
  t.after(() => server.close());
  const plugin = await openHttpPlugin(t, []);
  assert.equal(numberOf(await plugin.call("status", JSON.stringify({ url: server.url }))), 0n);
  assert.deepEqual(logged(plugin), ["error http_request: the binding has no grant for http"]);
  assert.equal(server.received.length, 0);
  assert.equal(grantHttp([]), null);
});

for (const [name, change, reason] of [
  [
    "another port",
    (host: string) => `http://${host.replace(/\d$/, (digit) => `${(Number(digit) + 1) % 10}`)}`,
    "is not in the binding's grants",
  ],
  ["another scheme", (host: string) => `ftp://${host}`, "ftp: is not http or https"],
  ["file", () => "file:///etc/passwd", "file: is not http or https"],
  ["data", () => "data:text/plain,x", "data: is not http or https"],
  ["a user name", (host: string) => `http://user:pass@${host}`, "the URL carries a user name"],
  [
    "a user name that looks like the host",
    (host: string) => `http://${host}@example.com`,
    "the URL carries a user name",
  ],
  [
    "a name for the address",
    (host: string) => `http://localhost:${host.split(":")[1]}`,
    "is not in the binding's grants",
  ],
  [
    "the mapped address",
    (host: string) => `http://[::ffff:127.0.0.1]:${host.split(":")[1]}`,
    "is not in the binding's grants",
  ],
  [
    "the any address",
    (host: string) => `http://0.0.0.0:${host.split(":")[1]}`,
    "is not in the binding's grants",
  ],
  ["no URL", () => "//", "the URL is malformed"],
] as const) {
  test(`refused and not sent: ${name}`, async (t) => {
    const { server, host, plugin } = await openBench(t);
    const url = change(host);
    assert.equal(numberOf(await plugin.call("status", JSON.stringify({ url }))), 0n);
    assert.equal(plugin.log.length, 1);
    assert.match(logged(plugin)[0] ?? "", new RegExp(`^error http_request: .*${reason}$`));
    assert.equal((await plugin.call("body", JSON.stringify({ url }))).output.length, 0);
    assert.equal(textOf(await plugin.call("headers", JSON.stringify({ url }))), "{}");
    assert.equal(server.received.length, 0);
    assert.equal(server.connections(), 0);
  });
}

for (const spelling of ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1.", "１２７.０.０.１"]) {
  test(`${spelling} is the address that it means, and needs its grant`, async (t) => {
    const { server, host, plugin } = await openBench(t);
    const url = `http://${spelling}:${host.split(":")[1]}`;
    assert.equal(numberOf(await plugin.call("status", JSON.stringify({ url }))), 200n);
    const other = await openHttpPlugin(t, ["example.com", "127.0.0.2:80"]);
    assert.equal(numberOf(await other.call("status", JSON.stringify({ url }))), 0n);
    assert.equal(server.received.length, 1);
  });
}

test("a name that resolves to an address of this machine is not called", async (t) => {
  const plugin = await openHttpPlugin(t, ["localhost"]);
  for (const url of ["http://localhost/", "https://localhost/"]) {
    assert.equal(numberOf(await plugin.call("status", JSON.stringify({ url }))), 0n);
  }
  assert.deepEqual(logged(plugin), Array(2).fill("error http_request: localhost has no public address"));
});

for (const address of [
  "127.0.0.1",
  "10.1.2.3",
  "169.254.169.254",
  "100.64.0.1",
  "0.0.0.0",
  "::1",
  "::ffff:127.0.0.1",
  "64:ff9b::7f00:1",
  "2002:7f00:1::",
  "fd00::1",
  "fe80::1",
]) {
  test(`a name that has come to mean ${address} is not called`, async (t) => {
    let lookups = 0;
    t.mock.method(dns, "lookup", (_name: string, _options: object, done: (...found: unknown[]) => void) => {
      lookups += 1;
      done(null, [{ address, family: address.includes(":") ? 6 : 4 }]);
    });
    syncBuiltinESMExports();
    t.after(() => {
      t.mock.restoreAll();
      syncBuiltinESMExports();
    });
    const plugin = await openHttpPlugin(t, ["*.example.com"]);
    const result = await plugin.call("status", JSON.stringify({ url: "http://rebind.example.com/" }));
    assert.equal(numberOf(result), 0n);
    assert.deepEqual(logged(plugin), ["error http_request: rebind.example.com has no public address"]);
    assert.equal(lookups, 1);
  });
}

test("a server that cannot be reached is a value, not the end of the call", async (t) => {
  const { server, plugin } = await openBench(t, { fault: "refuse" });
  assert.equal(numberOf(await plugin.call("status", JSON.stringify({ url: server.url }))), 0n);
  assert.match(logged(plugin)[0] ?? "", /^error http_request: .*ECONNREFUSED/);
});

for (const fault of [
  "garbage",
  "huge-headers",
  { kind: "reset", after: "request" },
  { kind: "reset", after: 10 },
] as const) {
  test(`a server's fault is a value, not the end of the call: ${JSON.stringify(fault)}`, async (t) => {
    const { server, plugin } = await openBench(t, { fault });
    const result = await plugin.call("status", JSON.stringify({ url: server.url }));
    assert.equal(result.outcome, "ok");
    assert.equal(numberOf(result), 0n);
    assert.match(logged(plugin)[0] ?? "", /^error http_request: ./);
  });
}

test("a call makes so many requests and no more, the next call may again", async (t) => {
  const { server, plugin } = await openBench(t);
  for (const calls of [1, 2]) {
    assert.equal(numberOf(await plugin.call("status_of_last", JSON.stringify({ url: server.url }))), 0n);
    assert.equal(server.received.length, calls * egressLimits.requests);
  }
  assert.deepEqual(logged(plugin), Array(2).fill("error http_request: more than 8 requests in one call"));
});

test("a body over the limit is not sent", async (t) => {
  const { server, plugin } = await openBench(t, {}, { posts: egressLimits.requestBytes + 1 });
  const result = await plugin.call("status_of_post", JSON.stringify({ url: server.url, method: "POST" }));
  assert.equal(numberOf(result), 0n);
  assert.deepEqual(logged(plugin), ["error http_request: body of 1048577 bytes; the limit is 1048576"]);
  assert.equal(server.received.length, 0);
});

test("an answer may have as many bytes as the limit says", async (t) => {
  const { server, plugin } = await openBench(t, { body: Buffer.alloc(egressLimits.responseBytes) });
  assert.equal(numberOf(await plugin.call("status", JSON.stringify({ url: server.url }))), 200n);
});

for (const headers of [{}, { "content-length": String(1024 ** 4) }]) {
  test(`an answer over the limit is cut off, its length ${Object.keys(headers).length === 0 ? "unknown" : "told"}`, async (t) => {
    const { server, plugin } = await openBench(t, { body: endless(), headers });
    assert.equal(numberOf(await plugin.call("status", JSON.stringify({ url: server.url }))), 0n);
    assert.equal(plugin.log.length, 1);
    assert.equal(await server.received[0]?.over, false);
  });
}

function* endless(): Generator<Uint8Array> {
  for (;;) yield Buffer.alloc(65_536);
}

test("an answer that the call has no memory for is no answer", async (t) => {
  const { server, plugin } = await openBench(t, { body: Buffer.alloc(egressLimits.responseBytes) });
  const result = await plugin.call("status_crowded", JSON.stringify({ url: server.url }));
  assert.equal(numberOf(result), 0n);
  assert.deepEqual(logged(plugin), ["error http_request: the call has no memory left for the answer"]);
});

test("a forged offset is an empty request", async (t) => {
  const { plugin } = await openBench(t);
  assert.equal(numberOf(await plugin.call("status_of_forged")), 0n);
  assert.deepEqual(logged(plugin), ["error http_request: the request is not JSON"]);
});

for (const after of ["request", 10] as const) {
  test(`the time that a request asks for ends it and not its call: silence after ${after}`, async (t) => {
    const { server, plugin } = await openBench(t, { fault: { kind: "stall", after } });
    const result = await plugin.call("status", JSON.stringify({ url: server.url, timeoutMs: 100 }));
    assert.equal(result.outcome, "ok");
    assert.equal(numberOf(result), 0n);
    assert.match(logged(plugin)[0] ?? "", /^error http_request: .*timeout/);
    assert.equal(await server.received[0]?.over, false);
  });
}

test("the deadline of the call ends its request", async (t) => {
  const { server, plugin } = await openBench(
    t,
    { fault: { kind: "stall", after: "request" } },
    { limits: { deadlineMs: 100 } },
  );
  const result = await plugin.call("status", JSON.stringify({ url: server.url }));
  assert.equal(result.outcome, "deadline");
  assert.equal(await server.received[0]?.over, false);
});

for (const after of ["request", 10] as const) {
  test(`a client that leaves ends its plugins' requests: silence after ${after}`, async (t) => {
    const { server, plugin } = await openBench(t, { fault: { kind: "stall", after } });
    const client = new AbortController();
    const arrival = server.arrival();
    const running = plugin.call("status", JSON.stringify({ url: server.url }), { signal: client.signal });
    const received = await arrival;
    client.abort();
    assert.equal((await running).outcome, "deadline");
    assert.equal(await received.over, false);
  });
}

test("a binding keeps its connections, and another's are its own", async (t) => {
  const { server, host, plugin } = await openBench(t);
  const other = await openHttpPlugin(t, [host]);
  const request = JSON.stringify({ url: server.url });
  for (const [from, connections] of [
    [plugin, 1],
    [plugin, 1],
    [other, 2],
    [plugin, 2],
    [other, 2],
  ] as const) {
    assert.equal(numberOf(await from.call("status", request)), 200n);
    assert.equal(server.connections(), connections);
    // The connection is free a turn of the event loop after the last byte.
    await nextTurn();
    await nextTurn();
  }
});

test("the environment's proxy is not used", async (t) => {
  const { server, plugin } = await openBench(t);
  const proxy = await startFakeUpstream();
  t.after(() => proxy.close());
  for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY"]) {
    const before = process.env[name];
    process.env[name] = proxy.url;
    t.after(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
  assert.equal(numberOf(await plugin.call("status", JSON.stringify({ url: server.url }))), 200n);
  assert.equal(proxy.connections(), 0);
});
