import assert from "node:assert/strict";
import { test } from "node:test";
import { quarantineLimits } from "#host/limits.ts";
import { createQuarantine, type Verdict } from "#host/pipeline/quarantine.ts";

const { failures, firstMs, longestMs } = quarantineLimits;

/** A quarantine over a clock that stands still until it is told to move, and what it told. */
function open() {
  let now = 5_000;
  const changes: (number | null)[] = [];
  const quarantine = createQuarantine({ now: () => now, onChange: (forMs) => changes.push(forMs) });
  return {
    quarantine,
    changes,
    pass: (ms: number) => {
      now += ms;
    },
    /** Calls one after the other; false for one that was not admitted. */
    call: (...verdicts: Verdict[]) =>
      verdicts.map((verdict) => {
        const record = quarantine.admit();
        record?.(verdict);
        return record !== null;
      }),
  };
}

const many = (verdict: Verdict, count: number = failures) => Array.from({ length: count }, () => verdict);

test("so many failures in a row cut a plugin off; one less, or a good one between, do not", () => {
  const { call, quarantine, changes } = open();
  call(...many("failed", failures - 1), "good", ...many("failed", failures - 1));
  assert.equal(quarantine.leftMs, null);
  call("failed");
  assert.equal(quarantine.leftMs, firstMs);
  assert.deepEqual(changes, [firstMs]);
  assert.deepEqual(call("good"), [false]);
});

test("calls that say nothing neither count nor forgive", () => {
  const { call, quarantine } = open();
  call(...many("failed", failures - 1), ...many("neutral", 100), "failed");
  assert.equal(quarantine.leftMs, firstMs);
});

test("after the time one call is let through; when it is good, everybody is", () => {
  const { call, quarantine, changes, pass } = open();
  call(...many("failed"));
  pass(firstMs);
  const record = quarantine.admit();
  assert.ok(record);
  assert.equal(quarantine.admit(), null);
  record("good");
  assert.deepEqual(changes, [firstMs, null]);
  assert.deepEqual(call(...many("failed", failures - 1), "good"), Array(failures).fill(true));
});

test("each trial that fails doubles the time, up to the longest", () => {
  const { call, quarantine, changes, pass } = open();
  call(...many("failed"));
  for (let times = 0; times < 12; times += 1) {
    pass(quarantine.leftMs ?? 0);
    assert.deepEqual(call("failed", "good"), [true, false]);
  }
  assert.deepEqual(changes.slice(0, 4), [firstMs, firstMs * 2, firstMs * 4, firstMs * 8]);
  assert.equal(changes.at(-1), longestMs);
});

test("a trial that says nothing is followed by another at once", () => {
  const { call, pass } = open();
  call(...many("failed"));
  pass(firstMs);
  assert.deepEqual(call("neutral", "good", "good"), [true, true, true]);
});

test("calls that began before the plugin was cut off change nothing when they end", () => {
  const { call, quarantine, pass } = open();
  const early = [quarantine.admit(), quarantine.admit(), quarantine.admit()];
  call(...many("failed"));
  early[0]?.("good");
  assert.equal(quarantine.leftMs, firstMs);
  pass(firstMs);
  const trial = quarantine.admit();
  early[1]?.("good");
  early[2]?.("failed");
  assert.equal(quarantine.admit(), null);
  trial?.("good");
  assert.equal(quarantine.leftMs, null);
});
