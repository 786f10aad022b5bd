import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { loadModuleFile } from "#host/cli/module-file.ts";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { assembleWat } from "#test/sandbox/fixture.ts";
import { type Ended, runCommand } from "./command.ts";

const manifest = { name: "guard", version: "1.0.0", abi: 1, hooks: { pre_request: { writes: ["tags"] } } };
const members = `(memory 1) (func (export "helper")) (func (export "pre_request") (result i32) (i32.const 0))`;
const wasm = assembleWat(`(module ${members})`);

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandgate-embed-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs the command on these files; a manifest that is no text is written as JSON. */
async function embed(module: Uint8Array, manifestOf: unknown, ...options: string[]): Promise<Ended> {
  await writeFile(join(folder, "guard.wasm"), module);
  const text = typeof manifestOf === "string" ? manifestOf : JSON.stringify(manifestOf, null, 2);
  await writeFile(join(folder, "manifest.json"), text);
  const args = ["plugin", "embed", "guard.wasm", "--manifest", "manifest.json", ...options];
  return runCommand(args, { cwd: folder });
}

const module = () => readFile(join(folder, "guard.wasm"));

async function assertRefused(ended: Ended, message: RegExp, before: Uint8Array = wasm): Promise<void> {
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, message);
  assert.equal(ended.stdout, "");
  assert.deepEqual(new Uint8Array(await module()), new Uint8Array(before), "the module is as it was");
  assert.deepEqual((await readdir(folder)).sort(), ["guard.wasm", "manifest.json"]);
}

test("a manifest comes behind a module that stays as it was, and the gateway admits it", async () => {
  const ended = await embed(wasm, manifest);
  assert.deepEqual([ended.code, ended.stderr], [0, ""]);
  const made = await module();
  assert.equal(ended.stdout, `guard.wasm  ${made.length} bytes  admitted\n`);
  assert.deepEqual(new Uint8Array(made.subarray(0, wasm.length)), wasm);
  const loaded = await loadModuleFile(join(folder, "guard.wasm"));
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.prepared.manifest, manifest);
});

test("a manifest that the module has is replaced, wherever it stands; other sections keep their bytes and places", async () => {
  // Longer encodings than needed, which a rewrite of the module would shorten.
  const custom = (name: string, content: string) => {
    const bytes = Buffer.concat([Buffer.of(name.length), Buffer.from(name), Buffer.from(content)]);
    return Buffer.concat([Buffer.of(0, 0x80 | bytes.length, 0x80, 0x00), bytes]);
  };
  const parts = (between: Buffer) => [
    wasm.subarray(0, 8),
    custom("first", "1"),
    between,
    wasm.subarray(8),
    custom("last", "2"),
  ];
  const old = custom("sandgate.manifest", '{"old":true}');
  const ended = await embed(Buffer.concat(parts(old)), manifest);
  assert.equal(ended.code, 0, ended.stderr);
  const made = await module();
  const rest = Buffer.concat(parts(Buffer.alloc(0)));
  assert.deepEqual(made.subarray(0, rest.length), rest);
  const { customs } = decodeModule(made);
  assert.deepEqual(
    customs.map(({ name }) => name),
    ["first", "last", "sandgate.manifest"],
  );
  await embed(made, manifest);
  assert.deepEqual(await module(), made, "doing it again changes nothing");
});

test("--output leaves the module alone", async () => {
  const ended = await embed(wasm, manifest, "-o", "out.wasm");
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(ended.stdout, /^out\.wasm /);
  assert.deepEqual(new Uint8Array(await module()), wasm);
  assert.ok((await loadModuleFile(join(folder, "out.wasm"))).ok);
});

const refusals: readonly (readonly [string, unknown, RegExp])[] = [
  [
    "a hook that is not exported",
    { ...manifest, hooks: { pre_request: {}, error: {} } },
    /^manifest\.json: hooks\.error is declared, but there is no export error\n$/,
  ],
  [
    "an export that is not declared",
    { ...manifest, hooks: {} },
    /^manifest\.json: export pre_request is never called: declare it as hooks\.pre_request, .+\n$/,
  ],
  ["a member that is missing", { ...manifest, version: undefined }, /^manifest\.json: version is missing\n$/],
  ["another ABI", { ...manifest, abi: 2 }, /^manifest\.json: abi /],
  [
    "every mistake at once",
    { ...manifest, colour: "red", failure: "ajar" },
    /^manifest\.json: colour is unknown\nmanifest\.json: failure is "ajar"; it must be one of .+\n$/,
  ],
  [
    "a capability that does not exist",
    { ...manifest, capabilities: ["files"] },
    /capabilities\.0 is "files"; known are /,
  ],
  ["a config schema that is none", { ...manifest, configSchema: { type: "text" } }, /configSchema\.type/],
  ["hooks that are no object", { ...manifest, hooks: null }, /^manifest\.json: hooks /],
  ["JSON that is no object", "[]", /^manifest\.json: /],
  ["null", "null", /^manifest\.json: /],
  ["what is no JSON", "{name: guard}", /^manifest\.json: not JSON: /],
  ["too much", `{${" ".repeat(1_000_000)}}`, /^manifest\.json: it has \d+ bytes, the limit is \d+\n$/],
];

for (const [name, given, message] of refusals) {
  test(`${name}: nothing is written, and the message says what to change`, async () => {
    await assertRefused(await embed(wasm, given), message);
  });
}

test("a file that is no module is said to be none", async () => {
  const text = Buffer.from("(module)\n");
  await assertRefused(await embed(text, manifest), /^guard\.wasm: not a WebAssembly module /, text);
  const component = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0);
  await assertRefused(
    await embed(component, manifest),
    /^guard\.wasm: WebAssembly components are not supported /,
    component,
  );
  const half = wasm.subarray(0, wasm.length - 3);
  await assertRefused(await embed(half, manifest), /^guard\.wasm: a section longer than the file /, half);
});

test("files that are not there, and places that cannot be written, are named", async () => {
  const { stderr, code } = await runCommand(["plugin", "embed", "no.wasm", "-m", "no.json"], { cwd: folder });
  assert.deepEqual([code, stderr], [1, "no.wasm: no such file\n"]);
  const ended = await embed(wasm, manifest, "-o", "no/such/folder/out.wasm");
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /^no\/such\/folder\/out\.wasm: ENOENT/);
});

test("a module that the gateway refuses for another reason is written, with the reason", async () => {
  const refused = assembleWat(`(module (import "elsewhere" "f" (func)) ${members})`);
  const ended = await embed(refused, manifest);
  assert.equal(ended.code, 1);
  assert.match(
    ended.stderr,
    /^guard\.wasm {2}written, but the gateway refuses it \(import\): .*elsewhere\.f/,
  );
  assert.equal(decodeModule(await module()).customs.length, 1);
});
