import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { spawnCommand, waitForText } from "#test/cli/command.ts";
import { temporaryFolder } from "#test/config/config-file.ts";
import { watPlugin } from "#test/wat-plugin.ts";
import { type Bench, chat, chatStream, openBench, paths, within } from "./bench.ts";
import { openSocket, parseAnswers, readToEnd } from "./raw-client.ts";

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: gateway\r\n\r\n`;

function post(path: string, body: object): string {
  const json = JSON.stringify(body);
  return `POST ${path} HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`;
}

type Held = Bench & { readonly release: () => void };

/** An upstream whose streams send one event, and the rest when they are released. */
async function openHeld(t: Parameters<typeof openBench>[0]): Promise<Held> {
  const { promise, resolve } = Promise.withResolvers<void>();
  async function* events() {
    yield Buffer.from("data: {}\n\n");
    await promise;
    yield Buffer.from("data: [DONE]\n\n");
  }
  const script = { body: events(), headers: { "content-type": "text/event-stream" } };
  return { ...(await openBench(t, { script })), release: resolve };
}

/** Until the gateway accepts no connections any more. */
async function closedDoor(url: string): Promise<void> {
  for (;;) {
    const open = await fetch(`${url}/healthz`).then(
      () => true,
      () => false,
    );
    if (!open) return;
  }
}

test("a running stream ends well, its keep-alive connection ends with it, and so does the stop", async (t) => {
  const { gateway, release } = await openHeld(t);
  const socket = await openSocket(gateway.url);
  const answered = readToEnd(socket);
  socket.write(post(paths.openai, chatStream));
  await once(socket, "data");
  const stopping = gateway.running.stop();
  await closedDoor(gateway.url);
  release();
  assert.equal(await within(5_000, stopping), "in time");
  const [answer] = parseAnswers(await answered);
  assert.equal(answer?.body, "data: {}\n\ndata: [DONE]\n\n");
});

test("connections that wait for nothing are closed at once: idle, silent, in the middle of a head", async (t) => {
  const { gateway } = await openBench(t);
  const sockets = await Promise.all([1, 2, 3].map(() => openSocket(gateway.url)));
  const ends = sockets.map(readToEnd);
  sockets[0]?.write(get("/v1/models"));
  sockets[1]?.write("GET /v1/models HTTP/1.1\r\nHost: ga");
  await once(sockets[0] as NonNullable<(typeof sockets)[0]>, "data");
  assert.equal(await within(5_000, gateway.running.stop()), "in time");
  const answers = parseAnswers((await Promise.all(ends))[0] as Buffer);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200],
  );
});

for (const [name, next, check] of [
  ["/readyz says so", get("/readyz"), (body: string) => assert.equal(JSON.parse(body).status, "stopping")],
  [
    "a request is refused in the shape of its API",
    post(paths.anthropic, chat),
    (body: string) => assert.match(body, /^\{"type":"error","error":\{"type":"overloaded_error",/),
  ],
] as const) {
  test(`on a connection that an answer holds open while the gateway stops: ${name}`, async (t) => {
    const { gateway, fake, release } = await openHeld(t);
    const socket = await openSocket(gateway.url);
    const answered = readToEnd(socket);
    socket.write(post(paths.openai, chatStream));
    await once(socket, "data");
    const stopping = gateway.running.stop();
    await closedDoor(gateway.url);
    socket.write(next, () => release());
    const [stream, answer] = parseAnswers(await answered);
    assert.match(stream?.body ?? "", /\[DONE\]/);
    assert.equal(answer?.status, 503);
    assert.equal(answer?.headers["connection"], "close");
    check(answer?.body ?? "");
    assert.equal(fake.received.length, 1);
    assert.equal(await within(5_000, stopping), "in time");
  });
}

test("a request whose body is still arriving is served, and its answer is the last of the connection", async (t) => {
  const { gateway } = await openBench(t);
  const socket = await openSocket(gateway.url);
  const answered = readToEnd(socket);
  const bytes = post(paths.openai, chat);
  socket.write(bytes.slice(0, -5));
  await gateway.fetch("/healthz");
  const stopping = gateway.running.stop();
  await closedDoor(gateway.url);
  socket.write(bytes.slice(-5));
  const [answer] = parseAnswers(await answered);
  assert.equal(answer?.status, 200);
  assert.equal(answer?.headers["connection"], "close");
  assert.equal(await within(5_000, stopping), "in time");
});

test("a large answer that is on its way to a slow client is not cut", async (t) => {
  const body = `{"x":1,"pad":"${"x".repeat(8 * 1024 * 1024)}"}`;
  const reader = watPlugin(
    { name: "reader", hooks: { post_request: { reads: [], writes: ["response.body"] } } },
    { post_request: [] },
  );
  const { gateway } = await openBench(t, {
    script: { body, answer: "chat" },
    plugins: { reader },
    config: { gateway: { use: [{ plugin: "reader" }] } },
  });
  const socket = await openSocket(gateway.url);
  socket.write(post(paths.openai, chat));
  await once(socket, "readable");
  const stopping = gateway.running.stop();
  await closedDoor(gateway.url);
  const [answer] = parseAnswers(await readToEnd(socket));
  assert.equal(answer?.body.length, body.length);
  assert.equal(await within(5_000, stopping), "in time");
});

test("a second stop is the first", async (t) => {
  const { gateway } = await openBench(t);
  const stopping = gateway.running.stop();
  assert.equal(gateway.running.stop(), stopping);
  await stopping;
  await gateway.running.stop();
});

test("a second SIGTERM changes nothing: the stream ends well and the code is 0", async (t) => {
  const file = join(await temporaryFolder(t), "gateway.yaml");
  await writeFile(
    file,
    "listen: { port: 0 }\nplugins: { folders: [.] }\nservices: { demo: { provider: mock } }\nroutes: { chat: { match: { paths: [/v1/*] }, service: demo } }\n",
  );
  const child = spawnCommand(["start", "--config", file]);
  const [, url = ""] = await waitForText(child, /ready on (\S+)\n/);
  const answer = await fetch(url + paths.openai, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      ...chatStream,
      model: "mock-slow",
      messages: [{ role: "user", content: "a b c d" }],
    }),
  });
  child.kill("SIGTERM");
  await closedDoor(url);
  child.kill("SIGTERM");
  assert.match(await answer.text(), /\[DONE\]\s*$/);
  const ended = once(child, "close");
  assert.equal(await within(10_000, ended), "in time");
  assert.deepEqual(await ended, [0, null]);
});
