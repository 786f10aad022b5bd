import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryFolder } from "#test/config/config-file.ts";
import { watPlugin } from "#test/wat-plugin.ts";
import { runCommand, spawnCommand, waitForText } from "./command.ts";

const demo = `
listen: { port: 0 }
plugins: { folders: [.] }
log: { level: silent }
services: { demo: { provider: mock } }
routes: { chat: { match: { paths: [/v1/*] }, service: demo } }
consumers: { alice: { keys: [sk-alice-test] } }
`;

async function configFile(context: TestContext, text: string): Promise<string> {
  const file = join(await temporaryFolder(context), "gateway.yaml");
  await writeFile(file, text);
  return file;
}

test("start --demo prints the URL, a key, and a curl line that works as it is", async (t) => {
  const child = spawnCommand(["start", "--demo", "--config", await configFile(t, demo)]);
  const [, url = "", key, line = ""] = await waitForText(
    child,
    /ready on (\S+)\nDemo key: (\S+)\nTry it:\n {2}(curl .*)\n/,
  );
  assert.equal(key, "sk-alice-test");
  assert.ok(line.startsWith(`curl ${url}/v1/chat/completions `));
  const { execFile } = await import("node:child_process");
  const curl = execFile("/bin/sh", ["-c", line.replace("curl ", "curl -sS ")]);
  const answer = JSON.parse(Buffer.concat(await Array.fromAsync(curl.stdout ?? [], Buffer.from)).toString());
  assert.equal(answer.choices[0].message.content, "echo: Hello");
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "close"), [0, null]);
});

test("without --demo no key is printed", async (t) => {
  const child = spawnCommand(["start", "--config", await configFile(t, demo)]);
  const [text] = await waitForText(child, /.*ready on \S+\n/s);
  assert.doesNotMatch(text, /sk-alice/);
  child.kill("SIGTERM");
  await once(child, "close");
});

test("SIGTERM lets a running stream end", async (t) => {
  const child = spawnCommand(["start", "--config", await configFile(t, demo)]);
  const [, url = ""] = await waitForText(child, /ready on (\S+)\n/);
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "mock-slow",
      stream: true,
      messages: [{ role: "user", content: "a b c" }],
    }),
  });
  child.kill("SIGTERM");
  assert.match(await answer.text(), /\[DONE\]\s*$/);
  assert.deepEqual(await once(child, "close"), [0, null]);
});

test("a config with mistakes is refused with all of them, and exit code 1", async (t) => {
  const file = await configFile(
    t,
    `${demo}\nlsiten: {}\nconsumerGroups: { gold: { use: [{ plugin: absent }] } }\n`,
  );
  const { code, stdout, stderr } = await runCommand(["start", "--config", file]);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /gateway\.yaml:9:1 lsiten: unknown key, did you mean "listen"\?/);
});

test("a missing config is refused in one line", async () => {
  const { code, stderr } = await runCommand(["start", "--config", "/nowhere/gateway.yaml"]);
  assert.equal(code, 1);
  assert.equal(stderr, "/nowhere/gateway.yaml:1:1: cannot be read: no such file\n");
});

test("a port that is taken is said in one line", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const file = await configFile(t, demo.replace("port: 0", `port: ${port}`));
  const { code, stderr } = await runCommand(["start", "--config", file]);
  server.close();
  assert.equal(code, 1);
  assert.match(stderr, /^listen EADDRINUSE.*another gateway running.*\n$/);
});

test("a Node that is too old gets a sentence", async () => {
  const old =
    "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})";
  const { code, stdout, stderr } = await runCommand(["--version"], { nodeFlags: ["--import", old] });
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^sandgate needs Node 24\.12 or newer/);
});

test("validate says that a config and its plugins are well", async (t) => {
  const file = await configFile(t, `${demo}\ngateway: { use: [{ plugin: tag }] }\n`);
  await writeFile(
    join(file, "../tag.wasm"),
    watPlugin({ name: "tag", hooks: { pre_request: {} } }, { pre_request: [] }),
  );
  assert.deepEqual(await runCommand(["validate", file]), {
    code: 0,
    stdout: `${file} is valid\n`,
    stderr: "",
  });
});

test("validate lists what start would refuse: keys, plugins, their configs, files", async (t) => {
  const text = `${demo}\ngateway:\n  use:\n    - plugin: tga\n    - { plugin: tag, config: { level: 1 } }\n`;
  const file = await configFile(t, text);
  const tag = watPlugin({ name: "tag", hooks: { pre_request: {} } }, { pre_request: [] });
  await writeFile(join(file, "../tag.wasm"), tag);
  await writeFile(join(file, "../half.wasm"), tag.subarray(0, 100));
  const { code, stdout, stderr } = await runCommand(["validate", file]);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(
    stderr,
    /gateway\.yaml:11:7 gateway\.use\.0\.plugin: there is no plugin "tga", did you mean "tag"\?/,
  );
  assert.match(stderr, /half\.wasm: /);
});

test("validate shows a plugin's own refusal of its config with the line", async (t) => {
  const file = await configFile(
    t,
    `${demo}\ngateway:\n  use:\n    - plugin: picky\n      config: { level: 1 }\n`,
  );
  const picky = watPlugin(
    { name: "picky", hooks: { pre_request: {} }, configSchema: { type: "object" } },
    {
      pre_request: [],
      configure: "(call $error_set (call $block (i32.const 0) (i32.const 5))) (i32.const 1)",
    },
    '(data (i32.const 0) "never")',
  );
  await writeFile(join(file, "../picky.wasm"), picky);
  const { code, stderr } = await runCommand(["validate", file]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /gateway\.yaml:12:7 gateway\.use\.0\.config: the plugin "picky" refuses this config: never\n$/,
  );
});
