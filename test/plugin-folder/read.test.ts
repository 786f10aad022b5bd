import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFile, mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type TestContext, test } from "node:test";
import { folderLimits } from "#host/limits.ts";
import { type PluginSet, readPluginFolders } from "#host/plugin-folder.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";

/** What stands for a prepared module here: the text of the file is the plugin's name. */
type Module = { readonly manifest: Manifest | null; readonly text: string };

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** `NAME` or `NAME more` is a plugin, `anonymous` has no manifest, `!reason` is refused. */
async function prepare(bytes: Uint8Array, manifestFile: Uint8Array | null): Promise<Module> {
  const text = Buffer.from(bytes).toString();
  if (text.startsWith("!")) throw new Error(text.slice(1));
  const name =
    manifestFile === null ? text.split(" ")[0] : JSON.parse(Buffer.from(manifestFile).toString()).name;
  return { manifest: name === "anonymous" ? null : { name, version: "1.0.0", abi: 1, hooks: {} }, text };
}

type Keep = (name: string) => boolean;
const all: Keep = () => true;
const none: Keep = () => false;

function read(folders: string | string[], previous: PluginSet<Module> | null = null, keep = all) {
  return readPluginFolders([folders].flat(), previous, { moduleBytes: 4_194_304, prepare, keep });
}

function summary({ plugins, refused }: PluginSet<Module>) {
  return {
    plugins: [...plugins].map(
      ([name, { file, prepared }]) => `${name} = ${prepared.text} from ${basename(file)}`,
    ),
    refused: refused.map(
      ({ file, reason, kept }) => `${basename(file)}: ${reason}${kept ? ` [${kept} kept]` : ""}`,
    ),
  };
}

test("modules that lie directly in the folder are plugins, by the name in their manifest", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "b.wasm"), "beta 1");
  await writeFile(join(folder, "a.wasm"), "alpha 1");
  await writeFile(join(folder, "README.md"), "text");
  for (const name of [".hidden.wasm", "~$c.wasm", "#c.wasm", "c.wasm~", "c.wasm.part", "c.WASM.tmp"]) {
    await writeFile(join(folder, name), "temporary");
  }
  await mkdir(join(folder, "deep"));
  await writeFile(join(folder, "deep", "d.wasm"), "delta");
  assert.deepEqual(summary(await read(folder)), {
    plugins: ["alpha = alpha 1 from a.wasm", "beta = beta 1 from b.wasm"],
    refused: [],
  });
});

test("each bad file is refused by name with its reason, and the good one beside it is loaded", async (t) => {
  const folder = await temporaryFolder(t);
  const outside = await temporaryFolder(t);
  const at = (name: string) => join(folder, name);
  await writeFile(at("good.wasm"), "good");
  await writeFile(at("anonymous.wasm"), "anonymous");
  await writeFile(at("broken.wasm"), "!not a wasm module");
  await writeFile(at("empty.wasm"), "");
  await mkdir(at("folder.wasm"));
  execFileSync("mkfifo", [at("pipe.wasm")]);
  await writeFile(at("huge.wasm"), "");
  await truncate(at("huge.wasm"), 1024 ** 3);
  await writeFile(join(outside, "elsewhere.wasm"), "elsewhere");
  await symlink(join(outside, "elsewhere.wasm"), at("link.wasm"));
  await symlink("loop.wasm", at("loop.wasm"));
  await symlink("nothing", at("dangling.wasm"));
  await writeFile(at("sidecar.wasm"), "sidecar");
  await mkdir(at("sidecar.manifest.json"));
  const result = summary(await read(folder));
  assert.deepEqual(result.plugins, ["good = good from good.wasm"]);
  assert.deepEqual(result.refused, [
    "anonymous.wasm: it has no manifest: build it with `sandgate plugin build`, or put anonymous.manifest.json beside it",
    "broken.wasm: not a wasm module",
    "dangling.wasm: it is a link to nothing",
    "empty.wasm: it is empty",
    "folder.wasm: it is a folder",
    "huge.wasm: it has 1073741824 bytes, the limit is 4194304",
    "link.wasm: it is a link that leads out of the folder",
    "loop.wasm: it is a link to nothing",
    "pipe.wasm: it is not a regular file",
    "sidecar.wasm: sidecar.manifest.json: it is a folder",
  ]);
});

test("unchanged bytes are not prepared again; a changed manifest file is a change", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "a.wasm"), "alpha");
  await writeFile(join(folder, "b.wasm"), "anonymous");
  await writeFile(join(folder, "b.manifest.json"), '{"name":"beta"}');
  const first = await read(folder);
  await writeFile(join(folder, "a.wasm"), "alpha");
  const second = await read(folder, first);
  assert.equal(second.plugins.get("alpha"), first.plugins.get("alpha"));
  assert.equal(second.plugins.get("beta"), first.plugins.get("beta"));
  await writeFile(join(folder, "b.manifest.json"), '{"name":"beta", "x":1}');
  await writeFile(join(folder, "a.wasm"), "alpha 2");
  const third = await read(folder, second);
  assert.notEqual(third.plugins.get("beta"), first.plugins.get("beta"));
  assert.equal(third.plugins.get("alpha")?.prepared.text, "alpha 2");
});

for (const { name, spoil, reason } of [
  { name: "turned bad", spoil: (file: string) => writeFile(file, "!half"), reason: "half" },
  { name: "was emptied", spoil: (file: string) => truncate(file, 0), reason: "it is empty" },
  {
    name: "grew too large",
    spoil: (file: string) => truncate(file, 1024 ** 3),
    reason: "it has 1073741824 bytes, the limit is 4194304",
  },
  { name: "is gone", spoil: (file: string) => rm(file), reason: "it is gone" },
  {
    name: "became another plugin",
    spoil: (file: string) => writeFile(file, "beta"),
    reason: 'it is no longer the plugin "alpha"',
  },
]) {
  test(`a plugin in use whose file ${name} goes on as it was, until the file is good again`, async (t) => {
    const folder = await temporaryFolder(t);
    const file = join(folder, "a.wasm");
    await writeFile(file, "alpha 1");
    const first = await read(folder);
    await spoil(file);
    let now = await read(folder, first);
    now = await read(folder, now);
    assert.ok(summary(now).plugins.includes("alpha = alpha 1 from a.wasm"));
    assert.deepEqual(summary(now).refused, [`a.wasm: ${reason} [alpha kept]`]);
    await writeFile(file, "alpha 2");
    now = await read(folder, now, (plugin) => plugin === "alpha");
    assert.deepEqual(summary(now), { plugins: ["alpha = alpha 2 from a.wasm"], refused: [] });
  });
}

test("a plugin that nobody uses ends with its file", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "a.wasm"), "alpha");
  await writeFile(join(folder, "b.wasm"), "beta");
  const first = await read(folder);
  await rm(join(folder, "a.wasm"));
  await writeFile(join(folder, "b.wasm"), "!bad");
  assert.deepEqual(summary(await read(folder, first, none)), { plugins: [], refused: ["b.wasm: bad"] });
});

test("a plugin in use whose file was renamed is not kept: the new file is it", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "a.wasm"), "alpha");
  const first = await read(folder);
  await rename(join(folder, "a.wasm"), join(folder, "z.wasm"));
  assert.deepEqual(summary(await read(folder, first)), {
    plugins: ["alpha = alpha from z.wasm"],
    refused: [],
  });
});

test("of two files with one plugin name the first counts: folders in order, then file names", async (t) => {
  const [one, two] = [await temporaryFolder(t), await temporaryFolder(t)];
  await writeFile(join(one, "b.wasm"), "alpha b");
  await writeFile(join(one, "B.wasm"), "alpha B");
  await writeFile(join(two, "a.wasm"), "alpha a");
  const { plugins, refused } = summary(await read([one, two, one]));
  assert.deepEqual(plugins, ["alpha = alpha B from B.wasm"]);
  assert.deepEqual(refused, [
    `b.wasm: the plugin "alpha" is already in ${join(one, "B.wasm")}; remove one of them`,
    `a.wasm: the plugin "alpha" is already in ${join(one, "B.wasm")}; remove one of them`,
  ]);
});

test("names of Object.prototype are plugin names like others", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "a.wasm"), "constructor");
  const { plugins } = await read(folder);
  assert.deepEqual([...plugins.keys()], ["constructor"]);
});

test("a folder that is missing, and one that is a file, are refused by name; what they held goes on", async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, "p"));
  await writeFile(join(folder, "p", "a.wasm"), "alpha");
  await writeFile(join(folder, "file"), "");
  const folders = [join(folder, "p"), join(folder, "file")];
  const first = await read(folders);
  assert.deepEqual(summary(first).refused, ["file: the folder cannot be read: it is not a folder"]);
  await rm(join(folder, "p"), { recursive: true });
  assert.deepEqual(summary(await read(folders, first)), {
    plugins: ["alpha = alpha from a.wasm"],
    refused: [
      "p: the folder cannot be read: no such folder",
      "file: the folder cannot be read: it is not a folder",
      "a.wasm: it is gone [alpha kept]",
    ],
  });
});

test("links inside of the folder are followed, as a mounted ConfigMap has them", async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, "..2026"));
  await writeFile(join(folder, "..2026", "a.wasm"), "alpha");
  await symlink("..2026", join(folder, "..data"));
  await symlink("..data/a.wasm", join(folder, "a.wasm"));
  assert.deepEqual(summary(await read(folder)), { plugins: ["alpha = alpha from a.wasm"], refused: [] });
});

test("modules past the limit are refused, each by name", async (t) => {
  const folder = await temporaryFolder(t);
  const names = Array.from(
    { length: folderLimits.files + 2 },
    (_, index) => `p${String(index).padStart(4, "0")}`,
  );
  await Promise.all(names.map((name) => writeFile(join(folder, `${name}.wasm`), name)));
  const { plugins, refused } = summary(await read(folder));
  assert.equal(plugins.length, folderLimits.files);
  assert.deepEqual(refused, [
    "p0500.wasm: there are more than 500 modules",
    "p0501.wasm: there are more than 500 modules",
  ]);
});

test("a file that is written while it is read is never seen half", async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, "a.wasm");
  const block = `alpha ${"x".repeat(65_530)}`;
  await writeFile(file, block);
  let writing = true;
  const writer = (async () => {
    for (let turn = 0; turn < 60 && writing; turn += 1) await appendFile(file, "y".repeat(4_096));
  })();
  const seen: PluginSet<Module>[] = [];
  for (let turn = 0; turn < 20; turn += 1) seen.push(await read(folder));
  writing = false;
  await writer;
  for (const set of seen) {
    const text = set.plugins.get("alpha")?.prepared.text;
    if (text === undefined) assert.deepEqual(summary(set).refused, ["a.wasm: it changes while it is read"]);
    else assert.equal((text.length - block.length) % 4_096, 0);
  }
});
