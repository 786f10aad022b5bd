import assert from "node:assert/strict";
import { METHODS } from "node:http";
import { test } from "node:test";
import { chat, openBench, paths } from "./bench.ts";
import { exchangeRaw, openSocket, parseAnswers, readToEnd } from "./raw-client.ts";

const json = JSON.stringify(chat);
const head = (...fields: readonly string[]) =>
  [
    `POST ${paths.openai} HTTP/1.1`,
    "Host: gateway",
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(json)}`,
    ...fields,
    "",
    "",
  ].join("\r\n");

test("HTTP/1.0 without a host is answered, and the connection ends with the answer", async (t) => {
  const { gateway } = await openBench(t);
  const answers = await exchangeRaw(gateway.url, "GET /v1/models HTTP/1.0\r\n\r\n");
  assert.equal(answers.length, 1);
  assert.equal(answers[0]?.headers["transfer-encoding"], undefined);
  assert.equal(JSON.parse(answers[0]?.body ?? "").object, "list");
});

test("requests that do not wait for answers get them in their order", async (t) => {
  const { gateway, fake } = await openBench(t);
  const answers = await exchangeRaw(
    gateway.url,
    `${head()}${json}GET /v1/models HTTP/1.1\r\nHost: gateway\r\n\r\n${head("Connection: close")}${json}`,
  );
  assert.deepEqual(
    answers.map(({ body }) => JSON.parse(body).object),
    ["chat.completion", "list", "chat.completion"],
  );
  assert.equal(fake.received.length, 3);
});

for (const [expectation, statuses] of [
  ["100-continue", /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /],
  ["a-wonder", /^HTTP\/1\.1 200 /],
] as const) {
  test(`expect: ${expectation} leads to an answer`, async (t) => {
    const { gateway, fake } = await openBench(t);
    const socket = await openSocket(gateway.url);
    socket.write(head(`Expect: ${expectation}`, "Connection: close"));
    socket.write(json);
    const bytes = await readToEnd(socket);
    assert.match(bytes.toString(), statuses);
    assert.equal(JSON.parse(parseAnswers(bytes)[0]?.body ?? "").object, "chat.completion");
    assert.equal(fake.received[0]?.headers["expect"], undefined);
  });
}

for (const upgrade of ["websocket", "h2c", "TLS/1.0"]) {
  test(`an upgrade to ${upgrade} is not done, the request is answered`, async (t) => {
    const { gateway, fake } = await openBench(t);
    const [answer] = await exchangeRaw(
      gateway.url,
      `GET /v1/models HTTP/1.1\r\nHost: gateway\r\nConnection: Upgrade, close\r\nUpgrade: ${upgrade}\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
    );
    assert.equal(answer?.status, 200);
    const { upgrade: forwarded, "http2-settings": settings } = fake.received[0]?.headers ?? {};
    assert.deepEqual([forwarded, settings], [undefined, undefined]);
  });
}

test("every method that Node can read reaches the upstream or a typed error", async (t) => {
  const { gateway, fake } = await openBench(t);
  for (const method of METHODS.filter((one) => one !== "CONNECT" && one !== "HEAD")) {
    const fields = "Host: gateway\r\nConnection: close\r\nContent-Length: 0";
    const [answer] = await exchangeRaw(gateway.url, `${method} /v1/models HTTP/1.1\r\n${fields}\r\n\r\n`);
    const reached = fake.received.at(-1)?.method === method;
    assert.equal(answer?.status, reached ? 200 : 405, method);
  }
  assert.equal(fake.received.length, METHODS.length - 3);
});

test("no header is lost among thousands", async (t) => {
  const routes = { all: { match: { paths: ["/*"], headers: { "x-last": "yes" } }, service: "demo" } };
  const { gateway } = await openBench(t, { config: { services: { demo: { provider: "mock" } }, routes } });
  const many = Array.from({ length: 3_000 }, (_, at) => `${at}: 1\r\n`).join("");
  const [answer] = await exchangeRaw(
    gateway.url,
    `GET /v1/models HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n${many}X-Last: yes\r\n\r\n`,
  );
  assert.equal(answer?.status, 200);
});

test("garbage behind a request whose answer has begun gets no second answer into the first", async (t) => {
  const { gateway, fake } = await openBench(t, {
    script: { headers: { "content-type": "audio/mpeg" }, fault: { kind: "stall", after: 100 } },
  });
  const socket = await openSocket(gateway.url);
  const answered = readToEnd(socket);
  const arrival = fake.arrival();
  socket.write(`${head()}${json}`);
  await arrival;
  await new Promise((resolve) => socket.once("data", resolve));
  socket.write("garbage\r\n\r\n");
  assert.equal((await answered).toString().split("HTTP/1.1").length, 2);
  assert.equal(await fake.received[0]?.over, false);
});

test("a CONNECT is over when its client resets it or has an answer open, and nothing else is", async (t) => {
  const { gateway, fake } = await openBench(t);
  const connect = "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n";
  for (let round = 0; round < 20; round += 1) {
    const rude = await openSocket(gateway.url);
    rude.write(connect, () => rude.resetAndDestroy());
  }
  await gateway.logged(({ code }) => code === "method_not_allowed");
  await fake.play({ headers: { "content-type": "audio/mpeg" }, fault: { kind: "stall", after: 100 } });
  const behind = await openSocket(gateway.url);
  const arrival = fake.arrival();
  behind.write(`${head()}${json}`);
  const { over } = await arrival;
  behind.write(connect);
  assert.ok(!(await readToEnd(behind)).toString().includes("CONNECT"));
  assert.equal(await over, false);
  assert.equal((await gateway.fetch("/healthz")).status, 200);
});

test("garbage behind a request whose answer has not begun is what the client hears of", async (t) => {
  const { gateway, fake } = await openBench(t, { script: { fault: { kind: "stall", after: "request" } } });
  const socket = await openSocket(gateway.url);
  const arrival = fake.arrival();
  socket.write(`${head()}${json}`);
  const { over } = await arrival;
  socket.write("garbage\r\n\r\n");
  const answers = parseAnswers(await readToEnd(socket));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [400],
  );
  assert.equal(await over, false);
});

test("a page whose request has a body is answered once, and the connection ends", async (t) => {
  const { gateway } = await openBench(t);
  const answers = await exchangeRaw(
    gateway.url,
    "GET /healthz HTTP/1.1\r\nHost: gateway\r\nContent-Type: \r\nContent-Length: 100\r\n\r\n{",
  );
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200],
  );
});

test("a client that leaves with several answers open leaves nothing behind", async (t) => {
  const { gateway, fake } = await openBench(t, { script: { fault: { kind: "stall", after: 100 } } });
  const socket = await openSocket(gateway.url);
  const arrival = fake.arrival();
  socket.write(`${head()}${json}`.repeat(3));
  await arrival;
  while (fake.received.length < 3) await fake.arrival();
  socket.destroy();
  assert.deepEqual(await Promise.all(fake.received.map(({ over }) => over)), [false, false, false]);
});
