import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { callLimits } from "#host/limits.ts";
import { env, type Fixture, helpersWat, openFixture, textOf } from "./fixture.ts";

let fixture: Fixture;

before(async () => {
  fixture = await openFixture(`${env} ${helpersWat}
    (memory 1)
    (data (i32.const 0) "it broke")
    (data (i32.const 16) "\\ff\\fe")
    (func (export "echo") (result i32) (call $output_set (call $input_offset) (call $input_length)) (i32.const 0))
    (func (export "nothing"))
    (func (export "fails") (result i32) (call $error_set (call $block (i32.const 0) (i32.const 8))) (i32.const 1))
    (func (export "fails_quietly") (result i32) (i32.const 3))
    (func (export "error_and_zero") (result i32) (call $error_set (call $block (i32.const 0) (i32.const 8))) (i32.const 0))
    (func (export "error_taken_back") (result i32)
      (call $error_set (call $block (i32.const 0) (i32.const 8))) (call $error_set (i64.const 0)) (i32.const 0))
    (func (export "error_not_utf8") (result i32) (call $error_set (call $block (i32.const 16) (i32.const 2))) (i32.const 1))
    (func (export "long_error") (result i32) (call $error_set (call $alloc (i64.const 1000000))) (i32.const 1))
    (func (export "traps") (result i32) unreachable)
    (func (export "divides") (result i32) (i32.div_s (i32.const 1) (i32.const 0)))
    (func (export "reads_outside") (result i32) (i32.load (i32.const 65536)))
    (func $recurse (export "recurses") (result i32) (i32.add (i32.const 1) (call $recurse)))
    (func (export "loops") (result i32) (loop $l (br $l)) (i32.const 0))
    (func (export "grows_and_traps") (result i32) (if (i32.eq (memory.grow (i32.const 60000)) (i32.const -1)) (then unreachable)) (i32.const 0))
    (func (export "grows_and_fails") (result i32) (memory.grow (i32.const 60000)))
    (func (export "grows_and_copes") (result i32) (drop (memory.grow (i32.const 60000))) (i32.const 0))
    (func (export "floods") (result i32) (call $output_set (call $alloc (i64.const 2000000)) (i64.const 2000000)) (i32.const 0))
    (func (export "takes") (param i32) (result i32) (local.get 0))
    (func (export "answers_long") (result i64) (i64.const 0))
    (global (export "a_global") i32 (i32.const 1))`);
});

after(() => fixture.pool.close());

test("ok: the output is a copy of what output_set named", async () => {
  const result = await fixture.call("echo", "hello");
  assert.deepEqual(
    { ...result, durationUs: 0 },
    {
      outcome: "ok",
      output: Buffer.from("hello"),
      error: null,
      fuelUsed: result.fuelUsed,
      durationUs: 0,
      memoryPages: 1,
    },
  );
  await fixture.call("echo", "other");
  assert.equal(textOf(result), "hello");
});

test("ok: an export without result succeeds, with an empty output", async () => {
  const result = await fixture.call("nothing", "ignored");
  assert.equal(result.outcome, "ok");
  assert.equal(result.output.length, 0);
});

for (const [hook, outcome, error] of [
  ["fails", "error", "it broke"],
  ["fails_quietly", "error", "returned 3 without an error"],
  ["error_and_zero", "error", "it broke"],
  ["error_not_utf8", "error", "\ufffd\ufffd"],
  ["error_taken_back", "ok", null],
  ["traps", "trap", "unreachable"],
  ["divides", "trap", "divide by zero"],
  ["reads_outside", "trap", "memory access out of bounds"],
  ["recurses", "trap", "call stack exhausted"],
  ["loops", "fuel", "more than 500000000 units of fuel"],
  ["grows_and_traps", "memory", "unreachable, after the memory limit refused to grow"],
  ["grows_and_fails", "memory", "returned -1 without an error"],
  ["grows_and_copes", "ok", null],
  ["floods", "memory", "output of 2000000 bytes; the limit is 1048576"],
  ["missing", "rejected", 'no export named "missing"'],
  ["takes", "rejected", "export takes is not of type () -> i32 or () -> ()"],
  ["answers_long", "rejected", "export answers_long is not of type () -> i32 or () -> ()"],
  ["a_global", "rejected", "export a_global is no function"],
  ["constructor", "rejected", 'no export named "constructor"'],
  ["sandgate:fuel", "rejected", 'no export named "sandgate:fuel"'],
] as const) {
  test(`${outcome}: ${hook}`, async () => {
    const result = await fixture.call(hook);
    assert.equal(result.error, error);
    assert.equal(result.outcome, outcome);
    assert.equal(result.output.length, 0);
    assert.equal((await fixture.call("echo", "still here")).outcome, "ok");
  });
}

test("an error is cut at its limit", async () => {
  const { error } = await fixture.call("long_error");
  assert.equal(error?.length, callLimits.errorBytes);
});

test("an input over the limit is rejected, one below it is served", async () => {
  const most = new Uint8Array(callLimits.inputBytes);
  assert.equal((await fixture.call("nothing", most)).outcome, "ok");
  assert.equal(
    (await fixture.call("nothing", new Uint8Array(callLimits.inputBytes + 1))).outcome,
    "rejected",
  );
});

test("fuelUsed is the same number every time, at least one per loop turn, and at most the limit and a block", async () => {
  const loops = await Promise.all([fixture.call("loops"), fixture.call("loops")]);
  const [first, second] = loops.map(({ fuelUsed }) => fuelUsed);
  assert.equal(first, second);
  assert.ok((first ?? 0) > callLimits.fuel && (first ?? 0) < callLimits.fuel + 1_000);
  const echoes = await Promise.all([fixture.call("echo", "a"), fixture.call("echo", "a")]);
  assert.equal(echoes[0]?.fuelUsed, echoes[1]?.fuelUsed);
  assert.ok((echoes[0]?.fuelUsed ?? 0) >= 1);
});

test("a string and its UTF-8 bytes are the same input", async () => {
  const text = "héllo \u{1f600} \ud800";
  assert.deepEqual(
    (await fixture.call("echo", text)).output,
    (await fixture.call("echo", Buffer.from(text))).output,
  );
});
