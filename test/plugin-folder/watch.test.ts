import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { watchFiles } from "#host/watch.ts";
import type { WatchedPaths } from "#host/watched-paths.ts";

/** How long a change may take to be noticed on a busy machine; it takes about 100 ms on an idle one. */
const noticedMs = 10_000;
/** Longer than a burst: what is not noticed by then is ignored. */
const ignoredMs = 300;

type Watch = {
  readonly folder: string;
  readonly errors: unknown[];
  calls: number;
  /** Makes a change and waits for the call that tells of it. */
  noticed(what: string, change: () => Promise<unknown>): Promise<void>;
  ignored(what: string, change: () => Promise<unknown>): Promise<void>;
  update(paths: WatchedPaths): Promise<void>;
  close(): Promise<void>;
};

/** Watches paths of a fresh folder. */
async function watched(
  t: TestContext,
  paths: (folder: string) => WatchedPaths,
  prepare: (folder: string) => Promise<unknown> = async () => {},
): Promise<Watch> {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-"));
  await prepare(folder);
  let wake = () => {};
  const errors: unknown[] = [];
  const onChange = () => {
    self.calls += 1;
    wake();
  };
  const watcher = watchFiles(paths(folder), onChange, { onError: (error) => errors.push(error) });
  t.after(async () => {
    await watcher.close();
    await rm(folder, { recursive: true, force: true });
  });
  const self: Watch = {
    folder,
    errors,
    calls: 0,
    update: (next) => watcher.update(next),
    close: () => watcher.close(),
    async noticed(what, change) {
      const told = new Promise<boolean>((done) => {
        wake = () => done(true);
      });
      await change();
      const late = new AbortController();
      const inTime = await Promise.race([
        told,
        sleep(noticedMs, false, { signal: late.signal }).catch(() => false),
      ]);
      late.abort();
      assert.ok(inTime, `not noticed: ${what}`);
      assert.deepEqual(errors, []);
    },
    async ignored(what, change) {
      const before = self.calls;
      await change();
      await sleep(ignoredMs);
      assert.equal(self.calls, before, `noticed: ${what}`);
    },
  };
  await watcher.ready;
  return self;
}

const configAndPlugins = (folder: string): WatchedPaths => ({
  files: [join(folder, "gateway.yaml")],
  folders: [join(folder, "plugins")],
});

const prepareConfigAndPlugins = async (folder: string) => {
  await writeFile(join(folder, "gateway.yaml"), "0");
  await mkdir(join(folder, "plugins"));
};

test("a file is followed through writing, renaming over, deleting and making again", async (t) => {
  const watch = await watched(t, configAndPlugins, prepareConfigAndPlugins);
  const file = join(watch.folder, "gateway.yaml");
  await watch.noticed("writing", () => writeFile(file, "1"));
  for (let turn = 0; turn < 4; turn += 1) {
    await watch.noticed(`renaming over it, time ${turn}`, async () => {
      await writeFile(`${file}.new`, `renamed ${turn}`);
      await rename(`${file}.new`, file);
    });
  }
  await watch.noticed("deleting", () => rm(file));
  await watch.noticed("making again", () => writeFile(file, "2"));
  await watch.noticed("writing after that", () => writeFile(file, "3"));
});

test("plugin files are noticed, temporary and other files are not", async (t) => {
  const watch = await watched(t, configAndPlugins, prepareConfigAndPlugins);
  const at = (name: string) => join(watch.folder, "plugins", name);
  await watch.noticed("a new module", () => writeFile(at("a.wasm"), "1"));
  await watch.noticed("a module renamed into place", async () => {
    await writeFile(at(".a.wasm.tmp"), "22");
    await rename(at(".a.wasm.tmp"), at("a.wasm"));
  });
  await watch.noticed("a manifest file", () => writeFile(at("a.manifest.json"), "{}"));
  await watch.ignored("files that are no plugins", async () => {
    await writeFile(at(".b.wasm"), "1");
    await writeFile(at("b.wasm~"), "1");
    await writeFile(at("README.md"), "1");
    await mkdir(at("source"));
    await writeFile(at("source/c.wasm"), "1");
    await writeFile(join(watch.folder, "gateway.yaml.swp"), "1");
    await writeFile(join(watch.folder, "other.yaml"), "1");
  });
  await watch.noticed("a deleted module", () => rm(at("a.wasm")));
});

test("a plugin folder that is removed and made again is still watched", async (t) => {
  const watch = await watched(t, configAndPlugins, prepareConfigAndPlugins);
  const plugins = join(watch.folder, "plugins");
  await writeFile(join(plugins, "a.wasm"), "1");
  await watch.noticed("removing", () => rm(plugins, { recursive: true }));
  await watch.noticed("making again", () => mkdir(plugins));
  await watch.noticed("a module in it", () => writeFile(join(plugins, "a.wasm"), "2"));
  await watch.noticed("removing, making and filling at once", async () => {
    await rm(plugins, { recursive: true });
    await mkdir(plugins);
    await writeFile(join(plugins, "a.wasm"), "333");
  });
  await watch.noticed("a module after that", () => writeFile(join(plugins, "a.wasm"), "4444"));
});

test("paths that do not exist yet are noticed when they come", async (t) => {
  const watch = await watched(t, (folder) => ({
    files: [join(folder, "not/yet/gateway.yaml")],
    folders: [join(folder, "later/plugins")],
  }));
  const at = (name: string) => join(watch.folder, name);
  await watch.noticed("the plugin folder", () => mkdir(at("later/plugins"), { recursive: true }));
  await watch.noticed("a module", () => writeFile(at("later/plugins/a.wasm"), "1"));
  await watch.noticed("the file and its folders", async () => {
    await mkdir(at("not/yet"), { recursive: true });
    await writeFile(at("not/yet/gateway.yaml"), "1");
  });
  await watch.noticed("writing it", () => writeFile(at("not/yet/gateway.yaml"), "22"));
});

test("the swapped link of a ConfigMap is noticed every time", async (t) => {
  const swap = async (folder: string, version: number) => {
    await mkdir(join(folder, `..v${version}`));
    await writeFile(join(folder, `..v${version}`, "gateway.yaml"), "same");
    await writeFile(join(folder, `..v${version}`, "a.wasm"), "same");
    await symlink(`..v${version}`, join(folder, "..data_tmp"));
    await rename(join(folder, "..data_tmp"), join(folder, "..data"));
    await rm(join(folder, `..v${version - 1}`), { recursive: true, force: true });
  };
  const watch = await watched(
    t,
    (folder) => ({ files: [join(folder, "gateway.yaml")], folders: [folder] }),
    async (folder) => {
      await swap(folder, 1);
      await symlink("..data/gateway.yaml", join(folder, "gateway.yaml"));
      await symlink("..data/a.wasm", join(folder, "a.wasm"));
    },
  );
  for (const version of [2, 3, 4, 5])
    await watch.noticed(`swap ${version}`, () => swap(watch.folder, version));
  await watch.noticed("writing behind the links", () =>
    writeFile(join(watch.folder, "..v5", "gateway.yaml"), "else"),
  );
});

test("a burst is one change", async (t) => {
  const watch = await watched(t, configAndPlugins, prepareConfigAndPlugins);
  await watch.noticed("a burst", async () => {
    for (let turn = 0; turn < 50; turn += 1)
      await writeFile(join(watch.folder, "plugins", `p${turn}.wasm`), "1");
  });
  await watch.ignored("nothing more", async () => {});
  assert.equal(watch.calls, 1);
});

test("after update the new paths count and the old do not", async (t) => {
  const watch = await watched(t, configAndPlugins, prepareConfigAndPlugins);
  const [old, secret] = [join(watch.folder, "gateway.yaml"), join(watch.folder, "secrets", "key")];
  await mkdir(join(watch.folder, "secrets"));
  await watch.update({ files: [secret], folders: [] });
  await watch.ignored("the old file", () => writeFile(old, "1"));
  await watch.noticed("the new file", () => writeFile(secret, "1"));
});

test("a change that comes before update is told after it, and a call may wait for update", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-"));
  const [file, secret] = [join(folder, "gateway.yaml"), join(folder, "key")];
  let calls = 0;
  const second = Promise.withResolvers<void>();
  const errors: unknown[] = [];
  const watcher = watchFiles(
    { files: [file], folders: [] },
    async () => {
      calls += 1;
      // As a gateway does that has read the file: it changes again, and names other files.
      if (calls === 1) await writeFile(file, "changed while it was read");
      await watcher.update({ files: [file, secret], folders: [] });
      if (calls === 2) second.resolve();
    },
    { onError: (error) => errors.push(error) },
  );
  t.after(async () => {
    await watcher.close();
    await rm(folder, { recursive: true });
  });
  await watcher.ready;
  await writeFile(file, "1");
  await second.promise;
  assert.deepEqual(errors, []);
});

test("nothing is told after close, and closing twice is fine", async (t) => {
  const watch = await watched(t, configAndPlugins, prepareConfigAndPlugins);
  await writeFile(join(watch.folder, "gateway.yaml"), "1");
  await watch.close();
  await watch.ignored("a change", () => writeFile(join(watch.folder, "gateway.yaml"), "22"));
  await watch.close();
});

test("a call that fails is reported and the next change is told", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-"));
  const file = join(folder, "gateway.yaml");
  const failure = new Error("reload failed");
  const errors: unknown[] = [];
  let wake = () => {};
  const watcher = watchFiles(
    { files: [file], folders: [] },
    async () => {
      throw failure;
    },
    {
      onError: (error) => {
        errors.push(error);
        wake();
      },
    },
  );
  t.after(async () => {
    await watcher.close();
    await rm(folder, { recursive: true });
  });
  await watcher.ready;
  for (const content of ["1", "22"]) {
    const told = new Promise<void>((done) => {
      wake = done;
    });
    await writeFile(file, content);
    await told;
  }
  assert.deepEqual(errors, [failure, failure]);
});
