import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { loadModuleFile } from "#host/cli/module-file.ts";
import { pluginRunCommand } from "#host/cli/plugin-run.ts";
import { outcomes } from "#host/sandbox/outcome.ts";
import { prepare, Rejected } from "#host/sandbox/prepare.ts";
import { buildModule } from "#test/sandbox/built-module.ts";
import { assembleWat, env, helpersWat } from "#test/sandbox/fixture.ts";
import { randomFrom } from "#test/wasm/random.ts";
import { realModules } from "#test/wasm/real-modules.ts";
import { type Ended, runCommand } from "./command.ts";

const module = assembleWat(`(module ${env} (memory 1) ${helpersWat}
  (data (i32.const 0) "it broke\\1b[31m\\ff\\fe")
  (global (export "a_global") i32 (i32.const 1))
  (func (export "echo") (result i32) (call $output_set (call $input_offset) (call $input_length)) (i32.const 0))
  (func (export "fail") (result i32) (call $error_set (call $block (i32.const 0) (i32.const 13))) (i32.const 1))
  (func (export "trap") unreachable)
  (func (export "spin") (loop $l (br $l)))
  (func (export "grow") (if (i32.lt_s (memory.grow (i32.const 20)) (i32.const 0)) (then unreachable)))
  (func (export "bytes") (call $answer (call $block (i32.const 13) (i32.const 2))))
  (func (export "terminal") (call $answer (call $block (i32.const 0) (i32.const 13))))
  (func (export "takes") (param i32)))`);

let folder = "";
let file = "";

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandgate-"));
  file = join(folder, "module.wasm");
  await writeFile(file, module);
});
after(() => rm(folder, { recursive: true, force: true }));

const makePipe = (path: string) => promisify(execFile)("mkfifo", [path]);

/** What the file is, how it is made, and why it is refused. */
const files: readonly (readonly [string, (path: string) => Promise<unknown>, string, RegExp])[] = [
  ["empty", (path) => writeFile(path, ""), "malformed", /^not a WebAssembly module/],
  ["one byte", (path) => writeFile(path, "\0"), "malformed", /^not a WebAssembly module/],
  ["text", (path) => writeFile(path, "(module)\n"), "malformed", /^not a WebAssembly module/],
  ["the magic number alone", (path) => writeFile(path, "\0asm"), "malformed", /./],
  [
    "an ELF binary",
    (path) => writeFile(path, Buffer.concat([Buffer.from("\x7fELF\x02\x01\x01"), Buffer.alloc(4_000)])),
    "malformed",
    /^not a WebAssembly module/,
  ],
  ["half a module", (path) => writeFile(path, module.subarray(0, 500)), "malformed", /./],
  [
    "100 MB",
    async (path) => {
      await writeFile(path, module);
      await truncate(path, 100_000_000);
    },
    "too-large",
    /^it has 100000000 bytes, the limit is 4194304/,
  ],
  ["a folder", async () => {}, "not-a-file", /^it is a folder/],
  ["missing", async () => {}, "missing", /^no such file/],
  ["a pipe that nobody writes to", makePipe, "not-a-file", /^it is not a regular file/],
  [
    "a manifest nested 60,000 levels deep",
    (path) =>
      writeFile(path, withManifest(`{"configSchema":{"a":${"[".repeat(60_000)}${"]".repeat(60_000)}}}`)),
    "manifest",
    /^manifest: nested deeper than 64 levels/,
  ],
  [
    "a manifest with a key of 100,000 characters",
    (path) => writeFile(path, withManifest(JSON.stringify({ ["x".repeat(100_000)]: 1 }))),
    "manifest",
    /^manifest: .{1,1010}$/,
  ],
];

function withManifest(text: string): Uint8Array {
  return buildModule({ customs: [{ name: "sandgate.manifest", bytes: Buffer.from(text) }] });
}

for (const [index, [what, write, code, message]] of files.entries()) {
  test(`${code}: a file that is ${what}`, async () => {
    const path = what === "a folder" ? folder : join(folder, `file-${index}.wasm`);
    await write(path);
    const loaded = await loadModuleFile(path);
    assert.ok(!loaded.ok);
    assert.equal(loaded.verdict.code, code);
    assert.match(loaded.verdict.message, message);
    assert.ok(loaded.verdict.message.length < 1_200);
  });
}

for (const [what, name] of [
  ["missing", "absent.wasm"],
  ["a folder", "."],
  ["a pipe that nobody writes to", "pipe.wasm"],
] as const) {
  test(`inspect and run refuse a file that is ${what}`, async () => {
    if (name === "pipe.wasm") await makePipe(join(folder, name));
    const [inspected, ran] = await Promise.all([
      runCommand(["plugin", "inspect", join(folder, name)]),
      runCommand(["plugin", "run", join(folder, name), "--call", "echo", "--json"]),
    ]);
    assert.match(inspected.stdout, /^verdict {3}refused \((missing|not-a-file)\): /m);
    assert.deepEqual([inspected.code, inspected.stderr], [1, ""]);
    const { outcome, fuelUsed } = JSON.parse(ran.stdout);
    assert.deepEqual([ran.code, outcome, fuelUsed, ran.stderr], [1, "rejected", 0, ""]);
  });
}

async function callFile(args: readonly string[], input?: string): Promise<Ended> {
  return runCommand(["plugin", "run", file, ...args], input === undefined ? {} : { input });
}

for (const [outcome, args, error] of [
  ["ok", ["echo"], null],
  ["error", ["fail"], "it broke\u001b[31m"],
  ["trap", ["trap"], "unreachable"],
  ["fuel", ["spin", "--fuel", "1000"], "more than 1000 units of fuel"],
  ["memory", ["grow", "--memory-mb", "1"], "unreachable, after the memory limit refused to grow"],
  ["deadline", ["spin", "--fuel", "9007199254740991", "--deadline-ms", "20"], "not done after 20 ms"],
  ["rejected", ["a_global"], "export a_global is no function"],
  ["rejected", ["__proto__"], 'no export named "__proto__"'],
] as const) {
  test(`run --json: ${outcome} from ${args.join(" ")}, exit code ${outcome === "ok" ? 0 : 1}`, async () => {
    const { code, stdout } = await callFile(["--call", ...args, "--json"]);
    const result = JSON.parse(stdout);
    assert.deepEqual(Object.keys(result).sort(), [
      "durationUs",
      "error",
      "fuelUsed",
      "memoryPages",
      "outcome",
      "output",
    ]);
    assert.deepEqual([result.outcome, result.error, code], [outcome, error, outcome === "ok" ? 0 : 1]);
    assert.ok(outcomes.includes(result.outcome));
    assert.equal(result.fuelUsed > 0, outcome !== "rejected");
    assert.equal(stdout.split("\n").length, 2);
  });
}

test("run: input from a file, from standard input, and none", async () => {
  const input = join(folder, "input");
  await writeFile(input, "from a file");
  const outputs = await Promise.all([
    callFile(["--call", "echo", "--json", "--input", input]),
    callFile(["--call", "echo", "--json", "--input", "-"], "from a pipe é\ud83d\ude00"),
    callFile(["--call", "echo", "--json", "--input", "-"], ""),
    callFile(["--call", "echo", "--json"], "not asked for"),
  ]);
  assert.deepEqual(
    outputs.map(({ stdout }) => JSON.parse(stdout).output),
    ["from a file", "from a pipe é😀", "", ""],
  );
});

test("run: an input that is too long, or a folder, is rejected", async () => {
  const results = await Promise.all([
    callFile(["--call", "echo", "--json", "--input", "-"], "x".repeat(17_000_000)),
    callFile(["--call", "echo", "--json", "--input", folder]),
  ]);
  for (const { code, stdout } of results) {
    assert.deepEqual([code, JSON.parse(stdout).outcome], [1, "rejected"]);
  }
});

test("run: output that is not UTF-8 is base64, and output for a terminal has no control characters", async () => {
  const bytes = JSON.parse((await callFile(["--call", "bytes", "--json"])).stdout);
  assert.deepEqual([bytes.output, bytes.outputBase64], [null, "//4="]);
  const { stdout } = await callFile(["--call", "terminal"]);
  assert.match(stdout, /^output {8}it broke\\u001b\[31m$/m);
});

test("run --repeat: so many calls, and the first that fails ends them", async () => {
  const thousand = JSON.parse((await callFile(["--call", "echo", "--json", "--repeat", "1000"])).stdout);
  assert.deepEqual([thousand.outcome, thousand.repeat.calls], ["ok", 1_000]);
  const failing = JSON.parse((await callFile(["--call", "trap", "--json", "--repeat", "1000"])).stdout);
  assert.deepEqual([failing.outcome, failing.repeat.calls], ["trap", 1]);
});

for (const [option, values] of [
  ["--fuel", ["0", "-1", "abc", "1e99", "1.5", "", "NaN"]],
  ["--memory-mb", ["0", "-1", "abc", "65", "Infinity"]],
  ["--deadline-ms", ["0", "-1", "abc", "1e99"]],
  ["--repeat", ["0", "-1", "abc", "1e7"]],
] as const) {
  test(`run ${option} refuses ${values.map((value) => JSON.stringify(value)).join(", ")}`, async () => {
    for (const value of values) {
      let said = "";
      const command = pluginRunCommand().exitOverride();
      command.configureOutput({ writeErr: (text) => (said += text) });
      const args = [file, "--call", "echo", `${option}=${value}`];
      await assert.rejects(command.parseAsync(args, { from: "user" }), { exitCode: 1 }, value);
      assert.match(said, new RegExp(`^error: option '${option} <n>' argument '.*' is invalid`));
    }
  });
}

/** A rejection, or a module that may run: never anything else. */
async function isRead(bytes: Uint8Array): Promise<boolean> {
  try {
    await prepare(bytes, { memoryPages: 256, imports: "any" });
    return true;
  } catch (thrown) {
    assert.ok(thrown instanceof Rejected, `${thrown}`);
    return false;
  }
}

test("a real module is read, and cut at every 64th byte it is refused each time", async () => {
  const [, { bytes } = { bytes: module }] = await realModules();
  assert.ok(await isRead(bytes));
  for (let length = 0; length < bytes.length; length += 64) {
    assert.equal(await isRead(bytes.subarray(0, length)), false, `${length} bytes`);
  }
});

test("500 modules with random bits flipped are read or refused", async () => {
  const random = randomFrom(11);
  let read = 0;
  for (let turn = 0; turn < 500; turn++) {
    const bytes = Uint8Array.from(module);
    for (let flips = 0; flips <= turn % 4; flips++) {
      const at = 8 + Math.floor(random() * (bytes.length - 8));
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    }
    if (await isRead(bytes)) read++;
  }
  assert.ok(read > 0 && read < 500, `${read}`);
});
