import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Explanation } from "#host/resolve/explain.ts";
import { temporaryFolder } from "#test/config/config-file.ts";
import { type WatPlugin, watPlugin } from "#test/wat-plugin.ts";
import { type Ended, runCommand } from "./command.ts";

const plugins: readonly WatPlugin[] = [
  { name: "keys", hooks: { pre_request: { writes: ["identify"], priority: 1 } } },
  {
    name: "limit",
    hooks: { pre_request: { mode: "parallel" } },
    configSchema: {
      type: "object",
      properties: { requests: { type: "integer" }, key: { type: "string", writeOnly: true } },
    },
  },
];

const config = `plugins: { folders: [.] }
gateway:
  use:
    - { plugin: keys, lock: true }
    - { plugin: limit, config: { requests: 60, key: plain-secret } }
    - { plugin: limit, id: more, enabled: false }
services:
  demo:
    provider: openai
    targets: [{ url: "https://api.example/v1", key: "\${KEY}" }]
routes:
  chat:
    match: { paths: [/v1/*], methods: [POST] }
    service: demo
    use:
      - { plugin: limit, inherit: merge, config: { requests: 600 } }
  models:
    match: { paths: [/v1/*], models: ["gpt-*"] }
    service: demo
consumers:
  alice: {}
`;

async function explain(
  t: Parameters<typeof temporaryFolder>[0],
  args: string[],
  text = config,
): Promise<Ended> {
  const folder = await temporaryFolder(t);
  for (const manifest of plugins) {
    await writeFile(join(folder, `${manifest.name}.wasm`), watPlugin(manifest, { pre_request: [] }));
  }
  const nightly = { name: "nightly", hooks: { schedule: { every: "2h" } } };
  await writeFile(join(folder, "nightly.wasm"), watPlugin(nightly, { schedule: [] }));
  await writeFile(join(folder, "gateway.yaml"), text);
  return runCommand(["explain", "--config", "gateway.yaml", ...args], {
    cwd: folder,
    env: { KEY: "sk-of-the-environment" },
  });
}

const shown = `route                     chat                          gateway.yaml:12:3
service                   demo, openai                  gateway.yaml:8:3
                          https://api.example/v1
consumer                  alice                         gateway.yaml:21:3
answer                    the body passes as it comes
answer as a stream        the body passes as it comes

authenticators
   1  keys  pre_request
      priority            1                             the plugin's manifest
      mode                sequential                    default

pre-request
   1  limit  pre_request
      priority            2                             default
      mode                parallel                      the plugin's manifest

post-request  nothing

events  nothing

completion  nothing

error  nothing

keys  keys 1.0.0
  written                 gateway                       gateway.yaml:4:7
  locked                  gateway                       gateway.yaml:4:7
  order                   0                             default
  onFailure               closed                        default
  effect                  enforce                       default
  state                   request                       default
  limits.fuel             500000000                     default
  limits.memoryMb         16                            default
  limits.deadlineMs       2000                          default

limit  limit 1.0.0
  merged in               gateway                       gateway.yaml:5:7
  written                 route chat                    gateway.yaml:16:9
  order                   0                             default
  onFailure               closed                        default
  effect                  enforce                       default
  state                   request                       default
  limits.fuel             500000000                     default
  limits.memoryMb         16                            default
  limits.deadlineMs       2000                          default
  config.requests         600                           gateway.yaml:16:52  route chat
                          over 60                       gateway.yaml:5:34  gateway
  config.key              <secret>                      gateway.yaml:5:48  gateway

removed
  more                    by gateway                    gateway.yaml:6:7
`;

test("what runs from time to time is shown in a part of its own", async (t) => {
  const text = config.replace(
    "gateway:\n  use:\n",
    `gateway:\n  use:\n    - { plugin: nightly, schedule: { cron: "0 3 * * MON-FRI", timezone: Europe/Berlin } }\n    - { plugin: nightly, id: often }\n`,
  );
  const { stdout } = await explain(t, ["--route", "chat"], text);
  assert.ok(stdout.includes(scheduled), stdout);
  assert.match(stdout, /^nightly {2}nightly 1\.0\.0$/m);
});

const scheduled = `
from time to time
      nightly  schedule
      schedule            cron 0 3 * * MON-FRI, Europe/Berlin
                                                        gateway.yaml:4:26  gateway
      late by             at most 1000ms
      often (nightly)  schedule
      schedule            every 2h                      the plugin's manifest
      late by             at most 720000ms
`;

test("the plan of a route and a consumer is shown as text for a terminal", async (t) => {
  const { code, stdout, stderr } = await explain(t, ["--route", "chat", "--consumer", "alice"]);
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: shown, stderr: "" });
  assert.ok(stdout.split("\n").every((line) => line.length <= 100));
});

test("as JSON it has the members that docs/explain.md lists, and no secret", async (t) => {
  const { code, stdout } = await explain(t, ["--route", "chat", "--consumer", "alice", "--json"]);
  assert.equal(code, 0);
  const explanation = JSON.parse(stdout) as Explanation;
  assert.equal(explanation.version, 1);
  assert.equal(explanation.bindings[1]?.key, "gateway.use.1+routes.chat.use.0");
  assert.deepEqual(explanation.service.targets, [{ url: "https://api.example/v1", hasKey: true }]);
  assert.doesNotMatch(stdout, /plain-secret|sk-of-the-environment/);
  const page = await readFile(join(import.meta.dirname, "../../docs/explain.md"), "utf8");
  const missing = membersOf(explanation).filter((name) => !page.includes(`\`${name}\``));
  assert.deepEqual(missing, []);
});

/** Names of members, without those that the config or a plugin chooses. */
function membersOf(value: unknown): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap(membersOf))];
  if (typeof value !== "object" || value === null) return [];
  const free = ["match", "value", "grants"];
  const inner = Object.entries(value).flatMap(([name, one]) => (free.includes(name) ? [] : membersOf(one)));
  return [...new Set([...Object.keys(value), ...inner])];
}

test("the route is found as for a request", async (t) => {
  const name = async (...args: string[]) => {
    const { stdout, stderr } = await explain(t, [...args, "--json"]);
    return stdout === "" ? stderr : (JSON.parse(stdout) as Explanation).route.name;
  };
  assert.equal(await name("--path", "/v1/chat?x=1"), "chat");
  assert.equal(await name("--path", "/v1/chat", "--model", "gpt-4o", "--method", "get"), "models");
  assert.equal(await name("--path", "/v1/chat", "--method", "GET"), "this path takes POST\n");
  assert.equal(
    await name("--path", "/v2"),
    "no route matches this request: it is answered with 404, no_route\n",
  );
});

test("what is not there is named, with what was probably meant, and nothing is printed", async (t) => {
  for (const [args, message] of [
    [["--route", "chatt"], 'there is no route "chatt", did you mean "chat"?\n'],
    [["--route", "constructor"], 'there is no route "constructor"\n'],
    [["--route", "chat", "--consumer", "alcie"], 'there is no consumer "alcie", did you mean "alice"?\n'],
    [[], "give either --route or --path\n"],
    [["--route", "chat", "--path", "/v1"], "give either --route or --path\n"],
  ] as const) {
    const { code, stdout, stderr } = await explain(t, [...args]);
    assert.deepEqual({ code, stdout, stderr }, { code: 1, stdout: "", stderr: message });
  }
});

test("a config with mistakes prints them as validate does", async (t) => {
  const locked = config.replace("plugin: limit, inherit", "plugin: keys, inherit");
  const { code, stdout, stderr } = await explain(t, ["--route", "chat"], locked);
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
  assert.match(
    stderr,
    /^gateway\.yaml:16:9 routes\.chat\.use\.0: cannot change "keys", which gateway\.use\.0 locks$/m,
  );
});
