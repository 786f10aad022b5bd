import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Preparation } from "#host/cli/plugin-prepare.ts";
import { assembleWat } from "#test/sandbox/fixture.ts";
import { type Ended, runCommand } from "./command.ts";

/** A folder with these files in it, given as text format or as bytes. */
async function folderOf(
  t: TestContext,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-prepare-"));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), typeof content === "string" ? assembleWat(content) : content);
  }
  return folder;
}

async function prepareAs(args: readonly string[]): Promise<{ ended: Ended; results: Preparation[] }> {
  const ended = await runCommand(["plugin", "prepare", ...args, "--json"]);
  const lines = ended.stdout.split("\n").filter((line) => line !== "");
  return { ended, results: lines.map((line) => JSON.parse(line) as Preparation) };
}

const everything = `(module
  (import "env" "double" (func $double (param i32) (result i32)))
  (memory (export "memory") 1)
  (global $calls (export "calls") (mut i32) (i32.const 0))
  (global i32 (i32.const 7))
  (func $start (global.set $calls (i32.const 100)))
  (start $start)
  (func (export "hs_init") (param i32 i32))
  (func (export "run") (param i32) (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store (i32.const 8) (local.get 0))
    (call $double (local.get 0))))`;

test("a prepared module says all that was added, which is enough to run it like the original", async (t) => {
  const folder = await folderOf(t, { "in.wasm": everything });
  const out = join(folder, "made/out.wasm");
  const { ended, results } = await prepareAs([join(folder, "in.wasm"), "-o", out, "--any-imports"]);
  assert.equal(ended.code, 0, ended.stderr);
  const [result] = results;
  assert.equal(results.length, 1);
  assert.deepEqual(result, {
    file: join(folder, "in.wasm"),
    ok: true,
    code: null,
    error: null,
    inject: {
      imports: [{ module: "sandgate:meter", name: "slice", kind: "function", role: "slice" }],
      exports: [
        { name: "sandgate:hs_init", kind: "function", role: "renamed", original: "hs_init" },
        { name: "sandgate:fuel", kind: "global", role: "fuel" },
        { name: "sandgate:refused", kind: "global", role: "refused" },
        { name: "sandgate:global:0", kind: "global", role: "mutable-global" },
        { name: "sandgate:memory", kind: "memory", role: "memory" },
        { name: "sandgate:written", kind: "memory", role: "written" },
        { name: "sandgate:start", kind: "function", role: "start" },
      ],
    },
  });

  const original = new WebAssembly.Module(assembleWat(everything));
  const prepared = new WebAssembly.Module(await readFile(out));
  const names = ({ name, kind }: { name: string; kind: string }) => `${name} ${kind}`;
  const added = (result?.inject?.exports ?? []).map(names);
  assert.deepEqual(
    WebAssembly.Module.exports(prepared).map(names).sort(),
    [...WebAssembly.Module.exports(original).map(names), ...added]
      .filter((one) => one !== "hs_init function")
      .sort(),
  );

  const { exports } = new WebAssembly.Instance(prepared, {
    env: { double: (n: number) => n * 2 },
    "sandgate:meter": { slice: () => 0 },
  });
  const { run, calls, "sandgate:start": start, "sandgate:fuel": fuel } = exports;
  (start as WebAssembly.ExportedFunction)();
  assert.equal((run as WebAssembly.ExportedFunction)(21), 42);
  assert.equal((calls as WebAssembly.Global).value, 101);
  assert.ok((fuel as WebAssembly.Global).value < 0);
});

test("an import that no plugin has is refused, unless any import is admitted", async (t) => {
  const folder = await folderOf(t, { "in.wasm": everything });
  const out = join(folder, "out.wasm");
  const { ended, results } = await prepareAs([join(folder, "in.wasm"), "-o", out]);
  assert.equal(ended.code, 1);
  assert.equal(results[0]?.code, "import");
  assert.match(results[0]?.error ?? "", /env\.double/);
  assert.equal(results[0]?.inject, null);
  await assert.rejects(stat(out), "nothing is written for it");
});

test("a folder is mirrored, and a file that is refused hides no other", async (t) => {
  const folder = await folderOf(t, {
    "in/a.wasm": "(module)",
    "in/b.wasm": new TextEncoder().encode("no module"),
    "in/c.txt": new TextEncoder().encode("no .wasm"),
    "in/deep/er/d.wasm": '(module (func (export "f")))',
    "in/e.wasm/f.wasm": '(module (func (export "sandgate:fuel")))',
    "in/g.wasm": new Uint8Array(0),
    "in/h.wasm": "(module (memory 300))",
  });
  await symlink(join(folder, "in"), join(folder, "in/loop"));
  await symlink(join(folder, "nowhere"), join(folder, "in/i.wasm"));
  const { ended, results } = await prepareAs([join(folder, "in"), "-o", join(folder, "out")]);
  assert.equal(ended.code, 1);
  assert.deepEqual(
    results.map(({ file, ok, code }) => [file.slice(folder.length + 4), ok, code]),
    [
      ["a.wasm", true, null],
      ["b.wasm", false, "malformed"],
      ["deep/er/d.wasm", true, null],
      ["e.wasm/f.wasm", false, "reserved"],
      ["g.wasm", false, "malformed"],
      ["h.wasm", false, "limit"],
      ["i.wasm", false, "missing"],
    ],
  );
  assert.ok(WebAssembly.validate(await readFile(join(folder, "out/deep/er/d.wasm"))));
});

test("the output may lie in the input, and a second run does the same as the first", async (t) => {
  const folder = await folderOf(t, { "a.wasm": "(module)" });
  const args = [folder, "-o", join(folder, "out")];
  const first = await prepareAs(args);
  assert.equal(first.ended.code, 0);
  assert.deepEqual((await prepareAs(args)).results, first.results);
});

test("an original is never replaced, and what cannot be written is an answer", async (t) => {
  const folder = await folderOf(t, { "a.wasm": "(module)", "wall/x": new Uint8Array(1) });
  const file = join(folder, "a.wasm");
  // A folder is where the file goes, under its own name.
  for (const output of [file, folder, join(folder, "a.wasm/b.wasm"), join(folder, "wall/x/y.wasm")]) {
    const { ended, results } = await prepareAs([file, "-o", output]);
    assert.equal(ended.code, 1);
    assert.equal(results[0]?.code, "unwritable", output);
  }
  assert.equal((await prepareAs([folder, "-o", folder])).results[0]?.code, "unwritable");
  assert.deepEqual(new Uint8Array(await readFile(file)), assembleWat("(module)"));
});

test("without --json there is one line per module, refusals on standard error", async (t) => {
  const folder = await folderOf(t, { "a.wasm": "(module)", "b.wasm": new Uint8Array(3) });
  const { code, stdout, stderr } = await runCommand(["plugin", "prepare", folder, "-o", join(folder, "out")]);
  assert.equal(code, 1);
  assert.equal(stdout, `${join(folder, "a.wasm")}  ok\n`);
  assert.match(stderr, /^\S+b\.wasm {2}refused \(malformed\): [^\n]+\n$/);
});

test("a folder without modules is said to be one", async (t) => {
  const folder = await folderOf(t, { "a.txt": new Uint8Array(1) });
  const { ended, results } = await prepareAs([folder, "-o", join(folder, "out")]);
  assert.equal(ended.code, 0);
  assert.deepEqual(results, []);
  assert.match(ended.stderr, /no \.wasm file/);
});
