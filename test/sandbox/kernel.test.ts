import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { callLimits } from "#host/limits.ts";
import { createKernel, type Kernel } from "#host/sandbox/kernel.ts";

type Env = Readonly<Record<string, (...args: (bigint | number)[]) => bigint & number>>;

function open(): { kernel: Kernel; env: Env } {
  const kernel = createKernel();
  return { kernel, env: kernel.env as unknown as Env };
}

function fn(env: Env, name: string): Env[string] {
  const found = env[name];
  assert.ok(found, name);
  return found;
}

const hostileOffsets = [-1n, -8n, 2n ** 63n, 2n ** 48n, 2n ** 32n + 24n, 2n ** 31n, 1n, 15n, 2n ** 64n - 1n];

test("the input is readable by offset and by position, and nothing beside it", () => {
  const { kernel, env } = open();
  assert.equal(kernel.begin("hello"), true);
  const at = fn(env, "input_offset")();
  assert.equal(fn(env, "input_length")(), 5n);
  assert.equal(fn(env, "length")(at), 5n);
  assert.equal(fn(env, "load_u8")(at), 0x68);
  assert.equal(fn(env, "input_load_u8")(4n), 0x6f);
  assert.equal(fn(env, "input_load_u8")(5n), 0);
  assert.equal(fn(env, "input_load_u64")(0n), 0n);
  for (const offset of hostileOffsets.filter((one) => one !== 1n)) {
    assert.equal(fn(env, "input_load_u8")(offset), 0, `${offset}`);
    assert.equal(fn(env, "input_load_u64")(offset), 0n, `${offset}`);
  }
});

test("an empty input has offset and length zero", () => {
  const { kernel, env } = open();
  assert.equal(kernel.begin(""), true);
  assert.equal(fn(env, "input_offset")(), 0n);
  assert.equal(fn(env, "input_length")(), 0n);
});

test("a forged offset loads zero, stores nothing, has no length and cannot be freed", () => {
  const { kernel, env } = open();
  kernel.begin("secret!!");
  for (const offset of hostileOffsets) {
    assert.equal(fn(env, "load_u8")(offset), 0);
    assert.equal(fn(env, "load_u64")(offset), 0n);
    fn(env, "store_u8")(offset, 255);
    fn(env, "store_u64")(offset, -1n);
    fn(env, "free")(offset);
    fn(env, "error_set")(offset);
    assert.equal(fn(env, "length")(offset), 0n);
    assert.equal(fn(env, "length_unsafe")(offset), 0n);
    assert.equal(kernel.lengthOf(offset), 0);
    assert.equal(kernel.read(offset, 100).length, 0);
  }
  assert.equal(fn(env, "error_get")(), 0n);
  assert.equal(Buffer.from(kernel.read(fn(env, "input_offset")(), 100)).toString(), "secret!!");
});

test("output_set takes any range that was allocated and ignores every other", () => {
  const { kernel, env } = open();
  kernel.begin("abcdefgh");
  const at = fn(env, "input_offset")();
  fn(env, "output_set")(at + 2n, 3n);
  assert.equal(Buffer.from(kernel.output()).toString(), "cde");
  for (const [offset, length] of [
    [at, 9_000n],
    [at, -1n],
    [at + 2n ** 32n, 3n],
    [-1n, 3n],
    [0n, 3n],
    [at, 2n ** 63n],
    [2n ** 48n, 0n],
  ] as const) {
    fn(env, "output_set")(offset, length);
    assert.equal(Buffer.from(kernel.output()).toString(), "cde", `${offset} ${length}`);
  }
});

test("a corrupted header cannot make a block reach beyond what was used, and the next blocks stay apart", () => {
  const { kernel, env } = open();
  kernel.begin("x");
  const first = fn(env, "alloc")(16n);
  fn(env, "store_u64")(first - 8n, -1n);
  assert.equal(fn(env, "length")(first), 0n);
  // A forged header that looks right: length 2^31 - 1, tag of this offset.
  const tag = (first ^ 0x5a6e7361n) << 32n;
  fn(env, "store_u64")(first - 8n, tag | 0x7fffffffn);
  assert.equal(fn(env, "length")(first), 0n);
  fn(env, "store_u64")(first - 8n, tag | 0x10n);
  assert.equal(fn(env, "length")(first), 16n);
  fn(env, "store_u64")(first - 8n, -1n);
  fn(env, "free")(first);
  const next = fn(env, "alloc")(16n);
  assert.ok(next > first);
  assert.equal(fn(env, "length")(next), 16n);
});

test("a double free and a free inside a block change nothing", () => {
  const { kernel, env } = open();
  kernel.begin("x");
  const first = fn(env, "alloc")(32n);
  const second = fn(env, "alloc")(32n);
  fn(env, "free")(first + 8n);
  fn(env, "free")(second);
  fn(env, "free")(second);
  assert.equal(fn(env, "length")(first), 32n);
  assert.equal(fn(env, "alloc")(8n), second);
});

test("allocating and freeing for ever does not use the memory up", () => {
  const { kernel, env } = open();
  kernel.begin("x");
  for (let turn = 0; turn < 100_000; turn++) fn(env, "free")(fn(env, "alloc")(10_000n));
  assert.ok(kernel.used() < 20_000);
});

test("an allocation beyond the cap answers zero and the kernel goes on", () => {
  const { kernel, env } = open();
  kernel.begin("x");
  const cap = BigInt(callLimits.kernelPages * 65_536);
  for (const size of [cap, cap + 1n, 2n ** 32n, 2n ** 32n + 8n, -1n, 2n ** 63n]) {
    assert.equal(fn(env, "alloc")(size), 0n, `${size}`);
  }
  let blocks = 0;
  while (fn(env, "alloc")(1_000_000n) !== 0n) blocks++;
  assert.equal(blocks, 33);
  assert.notEqual(fn(env, "alloc")(8n), 0n);
});

test("freeing the input makes it empty, as in the native kernel", () => {
  const { kernel, env } = open();
  kernel.begin("hello");
  fn(env, "free")(fn(env, "input_offset")());
  assert.equal(fn(env, "input_length")(), 0n);
  assert.equal(fn(env, "input_load_u8")(0n), 0);
});

test("error_set(0) clears the error", () => {
  const { kernel, env } = open();
  kernel.begin("oops");
  fn(env, "error_set")(fn(env, "input_offset")());
  assert.equal(Buffer.from(kernel.error(100) ?? []).toString(), "oops");
  assert.equal(Buffer.from(kernel.error(2) ?? []).toString(), "oo");
  fn(env, "error_set")(0n);
  assert.equal(kernel.error(100), null);
});

test("after a reset nothing of the call before can be read", () => {
  const { kernel, env } = open();
  kernel.begin("s".repeat(100_000));
  fn(env, "alloc")(500_000n);
  const used = kernel.used();
  kernel.begin("n");
  for (let at = 33n; at < used; at += 7n) assert.equal(fn(env, "load_u8")(at), 0);
  const all = fn(env, "alloc")(600_000n);
  for (let at = 0n; at < 600_000n; at += 8n) {
    if (fn(env, "load_u64")(all + at) !== 0n) assert.fail(`byte ${all + at} is left over`);
  }
});

test("after a reset nothing is left of 30 MB either, and of what was not touched nothing is made", () => {
  const { kernel, env } = open();
  kernel.begin("x");
  const block = fn(env, "alloc")(30_000_000n);
  for (const at of [0n, 15_000_000n, 29_999_992n]) fn(env, "store_u64")(block + at, -1n);
  const before = process.memoryUsage().rss;
  kernel.begin("y");
  assert.ok(process.memoryUsage().rss - before < 10_000_000);
  assert.equal(fn(env, "memory_bytes")(), 65_536n);
  assert.equal(fn(env, "alloc")(30_000_000n), block);
  for (const at of [0n, 15_000_000n, 29_999_992n]) assert.equal(fn(env, "load_u64")(block + at), 0n);
});

test("no sequence of calls makes the kernel trap, grow past its cap or show what it was not given", () => {
  const offset = fc.oneof(fc.bigInt(0n, 400n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));
  const size = fc.oneof(fc.bigInt(0n, 300n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));
  const step = fc.oneof(
    fc.tuple(fc.constantFrom("alloc"), size),
    fc.tuple(fc.constantFrom("free", "length", "load_u8", "load_u64", "error_set", "input_load_u64"), offset),
    fc.tuple(fc.constantFrom("store_u64", "output_set"), offset, size),
  );
  const { kernel, env } = open();
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      kernel.begin("0123456789");
      for (const [name, ...args] of steps) {
        fn(env, name)(...(args as bigint[]));
        assert.ok(kernel.outputLength() <= kernel.used());
        assert.equal(kernel.output().length, kernel.outputLength());
        assert.ok((kernel.error(callLimits.errorBytes)?.length ?? 0) <= kernel.used());
        assert.ok(kernel.used() <= callLimits.kernelPages * 65_536);
      }
      kernel.begin("");
      assert.equal(fn(env, "load_u64")(24n), 0n);
      const block = fn(env, "alloc")(512n);
      for (let at = 0n; at < 512n; at += 8n) assert.equal(fn(env, "load_u64")(block + at), 0n);
    }),
    { numRuns: 500, seed: 7 },
  );
});
