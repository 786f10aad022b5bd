import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { runCommand } from "./command.ts";
import { createWorkshop, startDev } from "./dev-process.ts";

/** A plugin whose effect says which version of it ran. */
function team(name: string, more = ""): string {
  return `
import { definePlugin } from "@sandgate/plugin-sdk";
export default definePlugin({
  name: "team",
  version: "1.0.0",
  hooks: {
    pre_request: { reads: ["request.headers.authorization"], writes: ["request.headers", "request.body"] },
    post_request: { reads: ["response.status"], writes: ["response.headers"] },
  },
  preRequest(input, host) {
    host.log.info("a call", { name: ${JSON.stringify(name)} });
    return [
      { type: "set-header", on: "request", name: "x-team", value: ${JSON.stringify(name)} },
      { type: "patch-body", on: "request", patch: [{ op: "add", path: "/temperature", value: 0 }] },
    ];
  },
  postRequest: (_input) => ({ type: "set-header", on: "response", name: "x-status", value: "seen" }),
});
${more}`;
}

const ready = /ready on .*\n(.*\n)*?Keys .*\n/;

/** What a folder of temporary files holds, beside what Node itself keeps there for the next process. */
async function leftIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name !== "node-compile-cache");
}

test("a request is shown with hooks, cost, log lines and the changes; an edit shows what it changes", async (t) => {
  const workshop = await createWorkshop(t, team("search"));
  const dev = startDev(workshop, ["--port", "0"]);
  await dev.printed(/built in \d+ ms \(\d+ KiB\)/);
  await dev.printed(/Try it:\n {2}curl http:\S+ -H 'authorization: Bearer sk-alice-dev'/);
  const first = await dev.chat("Hello");
  assert.equal(first.sent?.headers["x-team"], "search");
  assert.equal(first.headers.get("x-status"), "seen");

  await dev.printed(/\nPOST \/v1\/chat\/completions -> 200 in [\d.]+ ms\n/);
  await dev.printed(/^ {2}pre_request {2}ok {2}fuel \d+ {2}[\d.]+ ms {2}memory \d+ pages\n/);
  await dev.printed(/^ {4}info: a call {"name":"search"}\n {4}request\n/);
  await dev.printed(/\n {4}\+ x-team: search\n/);
  await dev.printed(/\n {4}\+ {3}"temperature": 0\n/);
  await dev.printed(/ {2}post_request {2}ok .*\n {4}answer\n/);
  await dev.printed(/\n {4}\+ x-status: seen\n/);

  await workshop.save("plugin.ts", team("sales"));
  await dev.printed(/\nbuilt in /);
  await dev.printed(/\nagain: POST \/v1\/chat\/completions -> 200 in /);
  await dev.printed(
    /pre_request {2}ok {2}fuel \d+ -> \d+ {2}[\d.]+ -> [\d.]+ ms {2}memory \d+ -> \d+ pages\n/,
  );
  await dev.printed(/\n {4}- {3}"value": "search"\n {4}\+ {3}"value": "sales"\n/);
  await dev.printed(/ {2}post_request {2}ok .*\n {4}no change\n/);
  assert.equal((await dev.chat("Hello")).sent?.headers["x-team"], "sales");
  await dev.printed(/\nPOST .* -> 200/);

  dev.press("r");
  await dev.printed(/\nagain: POST .*\n.*pre_request.*\n.*a call.*\n {4}no change\n/);
  dev.press("q");
  assert.equal(await dev.end(), 0);
  assert.deepEqual(await leftIn(workshop.temporary), []);
});

test("credentials of the last request are never printed or saved, and are sent again", async (t) => {
  const source = team("a").replace(
    'host.log.info("a call"',
    'if (!input.request.headers.authorization) throw new Error("none"); host.log.info("a call"',
  );
  const workshop = await createWorkshop(t, source);
  const dev = startDev(workshop, ["--port", "0"]);
  await dev.printed(ready);
  const secret = "sk-very-secret-1";
  await dev.chat("Hello", { authorization: `Bearer ${secret}`, "x-api-key": secret });
  await dev.printed(/authorization: \[redacted\]/);
  await dev.printed(/post_request/);
  dev.press("r");
  await dev.printed(/again: .*-> 200/);
  dev.press("s");
  await dev.printed(/saved .*fixtures\/1\.json\n/);
  await dev.printed(/saved .*fixtures\/2\.json\n\[redacted\] stands for a credential in authorization\n/);
  const saved = await readFile(join(workshop.folder, "fixtures/1.json"), "utf8");
  assert.deepEqual(JSON.parse(saved), {
    hook: "pre_request",
    input: { stage: "pre-request", request: { headers: { authorization: "[redacted]" } } },
    expect: {
      effects: [
        { type: "set-header", on: "request", name: "x-team", value: "a" },
        {
          type: "patch-body",
          on: "request",
          patch: [{ op: "add", path: "/temperature", value: 0 }],
        },
      ],
    },
  });
  assert.ok(!dev.output().includes(secret));
});

test("a syntax error shows its place, and the module of before goes on until the next good build", async (t) => {
  const workshop = await createWorkshop(t, team("one"));
  const dev = startDev(workshop, ["--port", "0"]);
  await dev.printed(ready);
  await workshop.save("plugin.ts", `${team("two")}\nconst = 1;\n`);
  await dev.printed(/not built\n.*plugin\.ts:\d+:7: .*\n/);
  await dev.printed(/> \d+ \| const = 1;\n.*\^/);
  assert.equal((await dev.chat("Hello")).sent?.headers["x-team"], "one");
  await workshop.save("plugin.ts", team("three"));
  await dev.printed(/\nbuilt in /);
  await dev.printed(/"value": "three"/);
  assert.equal((await dev.chat("Hello")).sent?.headers["x-team"], "three");
});

test("a type error is told beside; the module is in service by then", async (t) => {
  const workshop = await createWorkshop(t, team("one"));
  const dev = startDev(workshop, ["--port", "0"]);
  await dev.printed(ready);
  await workshop.save("plugin.ts", team("two", 'export const wrong: number = "text";'));
  await dev.printed(/\nbuilt in /);
  assert.equal((await dev.chat("Hello")).sent?.headers["x-team"], "two");
  await dev.printed(/type errors\n.*plugin\.ts:\d+:14: TS2322/);
  await workshop.save("plugin.ts", team("three"));
  await dev.printed(/the types are right again/);
});

test("an exception in a handler is shown with its line, and as a change when it is new", async (t) => {
  const workshop = await createWorkshop(t, team("one"));
  const dev = startDev(workshop, ["--port", "0"]);
  await dev.printed(ready);
  await dev.chat("Hello");
  await workshop.save("plugin.ts", team("one").replace("host.log.info(", 'throw new Error("Oh"); ('));
  await dev.printed(/again: .* -> 500 \(was 200\)/);
  await dev.printed(/plugin_failed/);
  await dev.printed(/pre_request {2}error .*\n(.*\n)*? {4}\+ outcome error\n/);
  await dev.printed(/post_request.*is no longer called/);
  assert.match(dev.output(), /Oh[\s\S]*plugin\.ts:11/);
});

const limited = `
import { definePlugin } from "@sandgate/plugin-sdk";
export default definePlugin({
  name: "limited",
  version: "1.0.0",
  hooks: { pre_request: { reads: [], writes: ["tags"] } },
  configSchema: { type: "object", additionalProperties: false, required: ["limit"], properties: { limit: { type: "integer" } } },
  preRequest: (input, host) => ({ type: "tag", name: "limit", value: String(host.config.limit) }),
});
`;

test("a config that the plugin refuses is told with the key that was meant; a new schema goes on", async (t) => {
  const workshop = await createWorkshop(t, limited);
  const dev = startDev(workshop, ["--port", "0", "--config", "limti=5"]);
  await dev.printed(/refused by the gateway\n/);
  await dev.printed(/ {2}config\.limti: unknown key, did you mean "limit"\?\n/);
  await workshop.save("plugin.ts", limited.replaceAll(/\blimit\b/g, "limti"));
  await dev.url;
  await dev.chat("Hello");
  await dev.printed(/\+ tag limti: 5\n/);
});

test("a port that is taken is said in one line, and nothing is left behind", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const workshop = await createWorkshop(t, team("one"));
  const dev = startDev(workshop, ["--port", String(port)]);
  assert.equal(await dev.end(), 1);
  assert.match(dev.output(), new RegExp(`\nport ${port} is taken; choose another with --port`));
  assert.deepEqual(await leftIn(workshop.temporary), []);
});

test("a source that is deleted and made again, and one that was imported before it was there", async (t) => {
  const workshop = await createWorkshop(t, team("one"));
  const dev = startDev(workshop, ["--port", "0"]);
  await dev.printed(ready);
  await rm(workshop.entry);
  await dev.printed(/not built/);
  assert.equal((await dev.chat("Hello")).sent?.headers["x-team"], "one");
  const importing = team("x").replaceAll('"x"', "name");
  await workshop.save("plugin.ts", `import { name } from "./lib/name.ts";\n${importing}`);
  await dev.printed(/not built\n.*Could not resolve "\.\/lib\/name\.ts"/);
  await mkdir(join(workshop.folder, "lib"));
  await workshop.save("lib/name.ts", 'export const name = "two";');
  await dev.printed(/"value": "two"/);
  await workshop.save("lib/name.ts", 'export const name = "three";');
  await dev.printed(/"value": "three"/);
});

test("after many quick saves, written in place and renamed over, the last one is in service", async (t) => {
  const workshop = await createWorkshop(t, team("start"));
  const dev = startDev(workshop, ["--port", "0"]);
  await dev.printed(ready);
  await dev.chat("Hello");
  for (let number = 1; number <= 20; number++) {
    const text = team(`save ${number}`);
    if (number % 2 === 0) await workshop.save("plugin.ts", text);
    else await writeFile(workshop.entry, text);
  }
  await dev.printed(/\+ .*"value": "save 20"/);
  assert.equal((await dev.chat("Hello")).sent?.headers["x-team"], "save 20");
  assert.doesNotMatch(dev.output(), /-> 500/);
});

test("with --gateway and --into the module goes into those folders, and SIGINT ends it well", async (t) => {
  const workshop = await createWorkshop(t, team("one"));
  const root = join(workshop.folder, "..");
  await mkdir(join(root, "own"));
  await mkdir(join(root, "other"));
  const file = join(root, "gateway.yaml");
  await writeFile(
    file,
    `
listen: { port: 0 }
plugins: { folders: [own] }
log: { level: info }
gateway: { use: [{ plugin: team }] }
services: { demo: { provider: mock } }
routes: { chat: { match: { paths: [/v1/*] }, service: demo } }
consumers: { alice: { keys: [sk-alice-real-key] } }
`,
  );
  const dev = startDev(workshop, ["--gateway", file, "--into", join(root, "other")]);
  await dev.printed(/written to .*own\/team\.wasm, .*\nwritten to .*other\/team\.wasm, .*\n/);
  await dev.printed(/curl http:\S+\/v1\/chat\/completions -H 'authorization: Bearer YOUR_KEY'/);
  assert.equal((await dev.chat("Hello")).sent?.headers["x-team"], "one");
  await workshop.save("plugin.ts", team("two"));
  await dev.printed(/"value": "two"/);
  const [own, other] = await Promise.all(
    ["own", "other"].map((name) => readFile(join(root, name, "team.wasm"))),
  );
  assert.deepEqual(own, other);
  await writeFile(file, (await readFile(file, "utf8")).replace("plugin: team", "plugin: taem"));
  await dev.printed(/the config is refused.*gateway\.yaml:5:20 .*did you mean "team"/);
  assert.ok(!dev.output().includes("sk-alice-real-key"));
  assert.equal(await dev.end("SIGINT"), 0);
  assert.deepEqual(await leftIn(workshop.temporary), []);
});

test("a plugin with capabilities has its grants, and what is saved passes as a fixture", async (t) => {
  const source = `
import { definePlugin } from "@sandgate/plugin-sdk";
export default definePlugin({
  name: "my-plugin",
  version: "1.0.0",
  capabilities: ["consumers", "counters"],
  hooks: { pre_request: { reads: ["request.headers.authorization"], writes: ["identify", "tags"] } },
  preRequest({ request }, host) {
    const consumer = host.consumers.find((request.headers.authorization ?? "").slice(7));
    if (consumer === null) return;
    return [{ type: "identify", consumer }, { type: "tag", name: "count", value: String(host.counters.add("calls")) }];
  },
});
`;
  const workshop = await createWorkshop(t, source);
  const dev = startDev(workshop, ["--port", "0"]);
  await dev.printed(ready);
  assert.equal((await dev.chat("Hello")).status, 200);
  await dev.printed(/\+ consumer alice\n {4}\+ tag count: 1\n/);
  dev.press("s");
  await dev.printed(/saved .*1\.json\n/);
  assert.doesNotMatch(dev.output(), /stands for a credential/);
  const { code, stdout, stderr } = await runCommand(["plugin", "test", workshop.folder]);
  assert.equal(code, 0, stdout + stderr);
});

for (const [what, args, message] of [
  ["--into without a folder", ["--into", "/nowhere"], /\/nowhere: no such folder/],
  ["--gateway without a file", ["--gateway", "/nowhere/gateway.yaml"], /cannot be read/],
  ["--gateway and --config", ["--gateway", "g.yaml", "--config", "a=1"], /cannot be used with/],
  ["a port that is none", ["--port", "http"], /a port is 0 to 65535/],
] as const) {
  test(`${what} is refused in a line`, async (t) => {
    const dev = startDev(await createWorkshop(t, team("one")), args);
    assert.equal(await dev.end(), 1);
    assert.match(dev.output(), message);
    assert.doesNotMatch(dev.output(), /\n {4}at /);
  });
}
