import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { openSources, withBody } from "./source-plugin.ts";

const answer = (expression: string) => `return { type: "tag", name: "t", value: String(${expression}) };`;

test("host.config is the binding's config, in every hook and in configure", async (t) => {
  const plugin = await openSources(
    t,
    `import { definePlugin } from "@sandgate/plugin-sdk";
     let seen = "";
     export default definePlugin({
       name: "made", version: "1.0.0", hooks: { pre_request: { writes: ["tags"] } },
       configure(config: any, host) { seen = JSON.stringify([config, host.config]); },
       preRequest(_input, host) { ${answer("seen + JSON.stringify(host.config)")} },
     });`,
    { config: { a: [1, "é"] } },
  );
  assert.equal(await plugin.tag(), '[{"a":[1,"é"]},{"a":[1,"é"]}]{"a":[1,"é"]}');
});

test("host.log writes a line of its level, with its data as JSON; console does too", async (t) => {
  const plugin = await openSources(
    t,
    withBody(`
      host.log.trace("a"); host.log.debug("b"); host.log.info("c", { n: 1, deep: { x: [null] } });
      host.log.warn("d\\ud800"); host.log.error("");
      console.log("e", 1, { f: 2 }, null, undefined, [1]); console.error(new TypeError("g"));
      return [];`),
  );
  assert.equal((await plugin.call("pre_request")).outcome, "ok");
  const lines = plugin.log.map(({ level, text }) => `${level} ${text}`);
  assert.deepEqual(lines.slice(0, 6), [
    "trace a",
    "debug b",
    'info {"message":"c","data":{"n":1,"deep":{"x":[null]}}}',
    "warn d\ufffd",
    "error ",
    'info e 1 {"f":2} null undefined [1]',
  ]);
  assert.match(lines[6] ?? "", /^error TypeError: g\\?n? {0,4}/);
});

test("host.log takes what TypeScript would not", async (t) => {
  const plugin = await openSources(
    t,
    withBody(`
      const log: any = host.log;
      const cycle: any = { big: 1n }; cycle.self = cycle;
      log.info(); log.info(5); log.info({ a: 1 }); log.info("x", null); log.info("y", "data"); log.info("z", cycle);
      return [];`),
  );
  assert.equal((await plugin.call("pre_request")).outcome, "ok");
  assert.equal(plugin.log.length, 6);
});

test("host.consumers.find knows the consumer of a key", async (t) => {
  const source = withBody(answer("host.consumers.find('sk-alice-test') + ' ' + host.consumers.find('no')"))
    .replace("version:", 'capabilities: ["consumers"], version:')
    .replace('writes: ["tags"]', 'writes: ["tags", "identify"]');
  const plugin = await openSources(t, source, { consumers: { alice: { keys: ["sk-alice-test"] } } });
  assert.equal(await plugin.tag(), "alice null");
});

test("a capability that the manifest does not name throws, and says what to add", async (t) => {
  const plugin = await openSources(t, withBody("host.consumers.find('x'); return [];"));
  const { error } = await plugin.call("pre_request");
  assert.match(
    error ?? "",
    /^MissingCapability: host\.consumers needs the capability: add capabilities: \["consumers"\] to definePlugin\n/,
  );
});

test("host.http.request sends method, headers and body, and answers status, headers and body; Http.request too", async (t) => {
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request)).toString();
    response.writeHead(418, { "X-Seen": "Yes" });
    response.end(JSON.stringify([request.method, request.url, request.headers["x-sent"], body]));
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const origin = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const source = withBody(`
    const { status, headers, body } = host.http.request(input.request);
    ${answer("[status, headers['x-seen'], body].join(' ')")}`).replace(
    "version:",
    'capabilities: ["http"], version:',
  );
  const plugin = await openSources(t, source, { grants: { http: [origin] } });
  const url = `http://${origin}/path?q=1`;
  assert.equal(await plugin.tag({ request: { url } }), '418 Yes ["GET","/path?q=1",null,""]');
  const post = { url, method: "POST", headers: { "X-Sent": "a" }, body: "ü" };
  assert.equal(await plugin.tag({ request: post }), '418 Yes ["POST","/path?q=1","a","ü"]');
  assert.equal(await plugin.tag({ request: { url: "http://other.example/" } }), "0  ");
  const pdk = await openSources(
    t,
    source.replace(
      "host.http.request(input.request)",
      "{ headers: {} as any, ...Http.request(input.request, 'pdk') }",
    ),
    { grants: { http: [origin] } },
  );
  assert.equal(await pdk.tag({ request: { url, method: "PUT" } }), '418 Yes ["PUT","/path?q=1",null,"pdk"]');
});

test("random numbers and the clock come from the host, anew in each call", async (t) => {
  const plugin = await openSources(
    t,
    withBody(
      answer(`JSON.stringify([
        Math.random(), Math.random(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint8Array(8))].join(),
        Date.now(), new Date().getTime(), performance.now() >= 0,
      ])`),
    ),
  );
  const before = Date.now();
  const [first, second] = [JSON.parse(await plugin.tag()), JSON.parse(await plugin.tag())];
  const after = Date.now();
  for (const [a, b, uuid] of [first, second]) {
    assert.ok(a >= 0 && a < 1 && b >= 0 && b < 1 && a !== b);
    assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  for (const index of [0, 1, 2, 3]) assert.notEqual(first[index], second[index]);
  for (const [, , , , now, date, measured] of [first, second]) {
    assert.ok(now >= before && now <= after && date >= before && date <= after && measured);
  }
});

test("there is no chance and no time while a plugin is compiled", async (t) => {
  const plugin = await openSources(t, withBody(answer("made"), "const made = Date.now();"));
  assert.equal(await plugin.tag(), "0");
  await assert.rejects(
    openSources(t, withBody("return [];", "const made = Math.random();")),
    /plugin\.ts:2:\d+: Error: not available while compiling/,
  );
});
