import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { stringify } from "yaml";
import { processCapacity } from "#host/sandbox/capacity.ts";
import { startTestGateway } from "#test/harness.ts";
import { eventually } from "./eventually.ts";
import { askRefused, askStamp, stamp, stampConfig } from "./stamp.ts";

/** A gateway whose every answer has the stamp 1. */
async function start(t: TestContext) {
  const gateway = await startTestGateway(t, { plugins: { stamp: stamp(1) }, config: stampConfig(true) });
  return {
    gateway,
    file: join(gateway.folder, "plugins", "stamp.wasm"),
    stamped: (version: number | null) =>
      eventually(
        () => askStamp(gateway),
        (found) => found === `200 ${version}`,
      ),
    nothingRefused: () =>
      eventually(
        () => askRefused(gateway),
        ({ config, plugins }) => config.length + plugins.length === 0,
      ),
  };
}

for (const { name, put, reason } of [
  { name: "a folder", put: (file: string) => mkdir(file), reason: "it is a folder" },
  {
    name: "a link to nothing",
    put: (file: string) => symlink("/nowhere/stamp.wasm", file),
    reason: "it is a link to nothing",
  },
  {
    name: "a link out of the folder",
    put: (file: string) => symlink("/etc/passwd", file),
    reason: "it is a link that leads out of the folder",
  },
  {
    name: "a pipe",
    put: async (file: string) => execFileSync("mkfifo", [file]),
    reason: "it is not a regular file",
  },
  {
    name: "a gigabyte of nothing",
    put: async (file: string) => {
      await writeFile(file, "");
      await truncate(file, 1024 ** 3);
    },
    reason: "it has 1073741824 bytes, the limit is 4194304",
  },
]) {
  test(`a plugin in use whose file becomes ${name} goes on, and its next file is taken up`, async (t) => {
    const { gateway, file, stamped, nothingRefused } = await start(t);
    await rm(file);
    await put(file);
    const { plugins } = await eventually(
      () => askRefused(gateway),
      ({ plugins: [first] }) => first?.reason === reason,
    );
    assert.deepEqual(plugins, [{ file, reason, kept: "stamp" }]);
    assert.equal(await askStamp(gateway), "200 1");
    await rm(file, { recursive: true });
    await gateway.writePlugin("stamp", stamp(2));
    await stamped(2);
    await nothingRefused();
  });
}

test("a config file that is deleted is refused, the one before stays; made again it is taken up", async (t) => {
  const { gateway, stamped, nothingRefused } = await start(t);
  const file = join(gateway.folder, "gateway.yaml");
  await rm(file);
  const { config } = await eventually(
    () => askRefused(gateway),
    (refused) => refused.config.length > 0,
  );
  assert.deepEqual(config, [`${file}:1:1: cannot be read: no such file`]);
  await stamped(1);
  await gateway.writePlugin("stamp", stamp(2));
  await stamped(2);
  await gateway.writeConfig(stampConfig(false));
  await stamped(null);
  await nothingRefused();
});

test("config and plugins behind the swapped link of a ConfigMap are followed together", async (t) => {
  const { gateway, file, stamped, nothingRefused } = await start(t);
  const { folder } = gateway;
  const plugins = join(folder, "plugins");
  /** As the kubelet does it: a folder of the version, and one link that is renamed over. */
  const swap = async (place: string, version: number, files: Record<string, string | Uint8Array>) => {
    await mkdir(join(place, `..v${version}`));
    for (const [name, content] of Object.entries(files))
      await writeFile(join(place, `..v${version}`, name), content);
    await symlink(`..v${version}`, join(place, "..data.new"));
    await rename(join(place, "..data.new"), join(place, "..data"));
    await rm(join(place, `..v${version - 1}`), { recursive: true, force: true });
  };
  const yaml = (bound: boolean) => ({
    "gateway.yaml": stringify({ listen: { port: 0 }, ...stampConfig(bound) }),
  });
  await swap(plugins, 1, { "stamp.wasm": stamp(1) });
  await swap(folder, 1, yaml(true));
  await rm(file);
  await symlink("..data/stamp.wasm", file);
  await rm(join(folder, "gateway.yaml"));
  await symlink("..data/gateway.yaml", join(folder, "gateway.yaml"));
  await nothingRefused();
  for (const version of [2, 3, 4]) {
    await swap(plugins, version, { "stamp.wasm": stamp(version) });
    await stamped(version);
    await swap(folder, 2 * version, yaml(false));
    await rm(join(folder, `..v${2 * version - 2}`), { recursive: true, force: true });
    await stamped(null);
    await swap(folder, 2 * version + 1, yaml(true));
    await stamped(version);
  }
  await nothingRefused();
});

test("a reload that takes long does not undo the one that was asked for after it", async (t) => {
  const { gateway } = await start(t);
  const { reload } = gateway.running.gateway;
  const limits = { fuel: 100_000_000_000, deadlineMs: 60_000 };
  await gateway.writeConfig({
    ...stampConfig(true),
    limits: { plugins: limits },
    gateway: { use: [{ plugin: "stamp", limits }] },
  });
  await reload();
  // Logs the begin of its own effects, and takes longer than the watcher to notice the file after it.
  const countFar = `(local $n i32)
    (call $log_info (call $block (i32.const 16) (i32.const 10)))
    (loop $again
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 300000000))))
    (i32.const 0)`;
  await gateway.writePlugin("stamp", stamp(2, countFar));
  const slow = reload().then(() => askRefused(gateway));
  await gateway.logged(({ msg }) => msg === '{"effects"');
  await gateway.writePlugin("stamp", stamp(3));
  const [refused] = await Promise.all([slow, reload()]);
  assert.equal(await askStamp(gateway), "200 3");
  assert.deepEqual(refused, { config: [], plugins: [] });
});

test("reloads that are asked for during a reload end with the files as they are last", async (t) => {
  const { gateway, stamped } = await start(t);
  const { reload } = gateway.running.gateway;
  const asked: Promise<void>[] = [];
  for (let version = 2; version <= 30; version += 1) {
    await gateway.writePlugin("stamp", stamp(version));
    await gateway.writeConfig(stampConfig(version % 2 === 0));
    asked.push(reload(), reload());
  }
  await Promise.all(asked);
  assert.equal(await askStamp(gateway), "200 30");
  await stamped(30);
  assert.deepEqual(await askRefused(gateway), { config: [], plugins: [] });
});

test("a thousand reloads leave nothing behind: no instance, no handle, no listener", async (t) => {
  const { gateway } = await start(t);
  const { reload } = gateway.running.gateway;
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  t.after(() => process.off("warning", onWarning));

  const turn = async (version: number) => {
    await gateway.writePlugin("stamp", stamp((version % 7) + 1));
    await reload();
    if (version % 20 === 0) assert.equal(await askStamp(gateway), `200 ${(version % 7) + 1}`);
  };
  /** Open handles by kind. Timers and requests of the moment come and go. */
  const handles = () => {
    const kinds = process
      .getActiveResourcesInfo()
      .filter((kind) => !/Timeout|Immediate|Request|ReqWrap/.test(kind));
    return Object.entries(Object.groupBy(kinds, (kind) => kind))
      .map(([kind, of = []]) => `${kind} ${of.length}`)
      .sort();
  };
  for (let version = 0; version < 20; version += 1) await turn(version);
  const before = { instances: processCapacity.instances, handles: handles() };
  for (let version = 20; version < 1_020; version += 1) await turn(version);

  await eventually(
    () => processCapacity.instances,
    (instances) => instances === before.instances,
  );
  await eventually(handles, (now) => JSON.stringify(now) === JSON.stringify(before.handles));
  assert.deepEqual(warnings, []);
  assert.ok(gateway.running.gateway.current.bindings.size === 1);
});
