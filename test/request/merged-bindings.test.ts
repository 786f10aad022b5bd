import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { checkFiles } from "#host/load-generation.ts";
import { createLog } from "#host/observe/log.ts";
import { temporaryFolder } from "#test/config/config-file.ts";
import { startTestGateway } from "#test/harness.ts";
import { watPlugin } from "#test/wat-plugin.ts";

/** Answers with what its config says under `out`; its config may also hold a whole number and must hold `out`. */
const answering = watPlugin(
  {
    name: "answering",
    hooks: { pre_request: { writes: ["respond"] } },
    configSchema: {
      type: "object",
      additionalProperties: false,
      required: ["out"],
      properties: {
        out: { type: "string" },
        limits: { type: "object", additionalProperties: { type: "integer" } },
      },
    },
  },
  {
    pre_request: "(call $answer (call $config_get (call $block (i32.const 8) (i32.const 3)))) (i32.const 0)",
  },
  `(data (i32.const 8) "out")`,
);

const out = (status: number) =>
  JSON.stringify({ effects: [{ type: "respond", status, headers: {}, body: "" }] });
const services = { demo: { provider: "mock" } };
const routes = {
  plain: { match: { paths: ["/plain"] }, service: "demo" },
  merged: {
    match: { paths: ["/merged"] },
    service: "demo",
    use: [{ plugin: "answering", inherit: "merge", config: { limits: { a: 1 } } }],
  },
  other: {
    match: { paths: ["/other"] },
    service: "demo",
    use: [{ plugin: "answering", inherit: "merge", config: { out: out(204) } }],
  },
};

test("a plugin is configured with what came out of the levels", async (t) => {
  const gateway = await startTestGateway(t, {
    plugins: { answering },
    config: { gateway: { use: [{ plugin: "answering", config: { out: out(202) } }] }, services, routes },
  });
  for (const [path, status] of [
    ["/plain", 202],
    ["/merged", 202],
    ["/other", 204],
  ] as const) {
    assert.equal((await gateway.post(path, {})).status, status, path);
  }
  const metrics = await (await gateway.fetch("/metrics")).text();
  assert.match(metrics, /binding="gateway\.use\.0\+routes\.merged\.use\.0"/);
});

async function problemsOf(t: Parameters<typeof temporaryFolder>[0], config: string): Promise<string[]> {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "answering.wasm"), answering);
  const file = join(folder, "gateway.yaml");
  await writeFile(file, `plugins: { folders: [.] }\n${config}`);
  const problems = await checkFiles({ file, env: { BAD: "much" }, log: createLog("silent") });
  return problems.map((problem) => problem.replace(`${folder}/`, ""));
}

test("a mistake of a merged config is reported once, where it is written, and the merged binding is named", async (t) => {
  const problems = await problemsOf(
    t,
    `gateway:
  use:
    - plugin: answering
      config:
        out: x
        limits: { ok: 1 }
services: { demo: { provider: mock } }
routes:
  a:
    match: { paths: [/a] }
    service: demo
    use:
      - plugin: answering
        inherit: merge
        config:
          limits: { a: "\${BAD}" }
  b:
    match: { paths: [/b] }
    service: demo
consumers:
  alice:
    use:
      - plugin: answering
        inherit: merge
        config: { limts: {} }
`,
  );
  const both = "gateway.use.0+routes.a.use.0";
  assert.deepEqual(problems, [
    `gateway.yaml:17:21 routes.a.use.0.config.limits.a: must be integer (merged: ${both})`,
    `gateway.yaml:26:19 consumers.alice.use.0.config.limts: unknown key (merged: ${both}+consumers.alice.use.0), did you mean "limits"?`,
  ]);
});

test("what a binding would miss where there is nothing to merge over is reported", async (t) => {
  const problems = await problemsOf(
    t,
    `services: { demo: { provider: mock } }
routes:
  a: { match: { paths: [/a] }, service: demo, use: [{ plugin: answering, config: { out: x } }] }
  b: { match: { paths: [/b] }, service: demo }
consumers:
  alice:
    use:
      - plugin: answering
        inherit: merge
        config: { limits: {} }
`,
  );
  assert.deepEqual(problems, [
    'gateway.yaml:11:9 consumers.alice.use.0.config.out: is missing (on a route where nothing more general binds the id "answering" it stands alone and must be complete)',
  ]);
});

test("a config that only the merged binding completes is no mistake", async (t) => {
  const problems = await problemsOf(
    t,
    `gateway: { use: [{ plugin: answering, config: { out: x } }] }
services: { demo: { provider: mock, use: [{ plugin: answering, inherit: merge, config: { limits: { a: 1 } } }] } }
consumerGroups: { nobody: { use: [{ plugin: answering, inherit: merge, config: {} }] } }
`,
  );
  assert.deepEqual(problems, []);
});

test("a plugin that refuses a merged config is reported at the part that says it, with the merged binding", async (t) => {
  const folder = await temporaryFolder(t);
  const refusing = watPlugin(
    { name: "refusing", hooks: { pre_request: {} }, configSchema: { type: "object" } },
    {
      configure: `(if (i64.ne (call $config_get (call $block (i32.const 8) (i32.const 3))) (i64.const 0))
        (then (call $error_set (call $block (i32.const 8) (i32.const 3))) (return (i32.const 1)))) (i32.const 0)`,
      pre_request: [],
    },
    `(data (i32.const 8) "bad")`,
  );
  await writeFile(join(folder, "refusing.wasm"), refusing);
  const file = join(folder, "gateway.yaml");
  await writeFile(
    file,
    `plugins: { folders: [.] }
gateway: { use: [{ plugin: refusing, config: { fine: 1 } }] }
services:
  demo:
    provider: mock
    use:
      - plugin: refusing
        inherit: merge
        config: { bad: 1 }
routes: { a: { match: { paths: [/a] }, service: demo } }
`,
  );
  const problems = await checkFiles({ file, env: {}, log: createLog("silent") });
  assert.deepEqual(problems, [
    `${file}:9:9 services.demo.use.0.config: the plugin "refusing" refuses this config: bad (merged: gateway.use.0+services.demo.use.0)`,
  ]);
});
