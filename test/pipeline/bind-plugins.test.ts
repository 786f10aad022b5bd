import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig } from "#config/load.ts";
import { memoryBacking } from "#host/capabilities/all.ts";
import { createGeneration } from "#host/generation.ts";
import { moduleLimits } from "#host/limits.ts";
import { createLog } from "#host/observe/log.ts";
import { standardImports } from "#host/sandbox/link.ts";
import { prepare } from "#host/sandbox/prepare.ts";
import { temporaryFolder } from "#test/config/config-file.ts";
import { watPlugin } from "#test/wat-plugin.ts";

const bindings = 100;

test("the event loop has its turn between two bindings that are started", async (t) => {
  const file = join(await temporaryFolder(t), "gateway.yaml");
  const use = Array.from({ length: bindings }, (_, at) => ({ plugin: "one", id: `one-${at}` }));
  const routes = { all: { match: { paths: ["/*"] }, service: "mock", use } };
  await writeFile(file, JSON.stringify({ services: { mock: { provider: "mock" } }, routes }));
  const accepted = await loadConfig(file, { env: {} });
  assert.ok(accepted.ok);
  const bytes = watPlugin({ name: "one", hooks: { pre_request: {} } }, { pre_request: [] });
  const policy = { memoryPages: moduleLimits.memoryPages, imports: new Set(standardImports) };
  const modules = new Map([["one", { prepared: await prepare(bytes, policy) }]]);

  let turns = 0;
  let next: NodeJS.Immediate | undefined;
  const count = () => {
    turns += 1;
    next = setImmediate(count);
  };
  count();
  const made = await createGeneration(accepted, modules, {
    log: createLog("silent"),
    backing: memoryBacking(),
  });
  clearImmediate(next);
  assert.ok("generation" in made);
  await made.generation.retire();
  assert.ok(turns >= bindings, `${turns} turns`);
});
