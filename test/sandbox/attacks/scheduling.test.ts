import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostImport } from "#host/capabilities/capability.ts";
import { processLimits } from "#host/limits.ts";
import { processCapacity } from "#host/sandbox/capacity.ts";
import { openFixture, textOf } from "../fixture.ts";

const wait: HostImport = { params: 0, result: true, suspends: true, run: () => new Promise(() => {}) };
const text = `
  (import "extism:host/user" "wait" (func $wait (result i64)))
  (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (func (export "echo") (result i32) (call $output_set (call $input_offset) (call $input_length)) (i32.const 0))
  (func (export "wait") (result i32) (drop (call $wait)) (i32.const 0))
  (func (export "spin") (result i32) (loop $l (br $l)) (i32.const 0))`;
const open = () =>
  openFixture(text, {
    imports: { "extism:host/user.wait": wait },
    limits: { fuel: Number.MAX_SAFE_INTEGER, deadlineMs: 60_000 },
  });

for (const hook of ["wait", "spin"]) {
  test(`client abort: a call that would ${hook} for ever ends, and the next is answered`, async () => {
    const { pool, call } = await open();
    const abort = new AbortController();
    const ending = call(hook, "", { signal: abort.signal });
    setImmediate(() => abort.abort());
    const { outcome, error } = await ending;
    assert.equal(outcome, "deadline");
    assert.equal(error, "ended by the caller");
    assert.equal(textOf(await call("echo", "next")), "next");
    await pool.close(0);
    assert.equal(processCapacity.instances, 0);
  });
}

test("client abort: a hundred clients leave at once, whatever their calls do or wait for", async () => {
  const { pool, call } = await open();
  const abort = new AbortController();
  const endings = Array.from({ length: 100 }, (_, index) =>
    call(index % 2 === 0 ? "wait" : "spin", "", { signal: abort.signal }),
  );
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  abort.abort();
  const outcomes = (await Promise.all(endings)).map(({ outcome }) => outcome);
  assert.equal(outcomes.filter((one) => one === "deadline").length, processLimits.instancesPerBinding);
  assert.equal(outcomes.filter((one) => one === "rejected").length, 100 - processLimits.instancesPerBinding);
  assert.equal(textOf(await call("echo", "next")), "next");
  await pool.close(0);
  assert.equal(processCapacity.calls, 0);
});

test("shutdown: suspended, spinning and waiting calls end, every one with an answer", async () => {
  const { pool, call } = await open();
  const endings = Array.from({ length: 100 }, (_, index) => call(index % 2 === 0 ? "wait" : "spin"));
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  await pool.close(10);
  const results = await Promise.all(endings);
  const unloaded = results.filter(({ error }) => error === "the plugin was unloaded");
  assert.equal(unloaded.length, processLimits.instancesPerBinding);
  assert.ok(unloaded.every(({ outcome }) => outcome === "deadline"));
  const waiting = results.filter(({ outcome }) => outcome === "rejected");
  assert.equal(waiting.length, 100 - processLimits.instancesPerBinding);
  assert.equal((await call("echo")).outcome, "rejected");
  assert.deepEqual(pool.size, { instances: 0, idle: 0, queued: 0 });
  assert.equal(processCapacity.instances, 0);
  assert.equal(processCapacity.calls, 0);
});
