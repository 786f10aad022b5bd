import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { test } from "node:test";
import { callLimits } from "#host/limits.ts";
import { createFuelGauge } from "#host/sandbox/fuel-gauge.ts";

const { sliceFuel } = callLimits;

function openGauge(total: number) {
  const counter = new WebAssembly.Global({ value: "i32", mutable: true }, 0);
  const gauge = createFuelGauge(counter);
  gauge.start(total);
  return { counter, gauge };
}

function runFor(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}

/** What code does that takes this long until its counter is below zero. */
function useSlice(counter: WebAssembly.Global, ms: number): void {
  runFor(ms);
  counter.value = -1;
}

test("fuel: slices get shorter while they take too long, and longer again when they do not", () => {
  const { counter, gauge } = openGauge(1e12);
  assert.equal(counter.value, sliceFuel);
  gauge.resume();
  useSlice(counter, 10);
  gauge.refill();
  const shorter = counter.value;
  assert.ok(shorter <= sliceFuel / 10, `${shorter} units`);
  useSlice(counter, 10);
  gauge.refill();
  assert.ok(counter.value < shorter, `${counter.value} units`);
  for (let slices = 0; slices < 200 && counter.value < sliceFuel / 2; slices++) {
    useSlice(counter, 0);
    gauge.refill();
  }
  assert.ok(counter.value >= sliceFuel / 2, `${counter.value} units`);
});

test("fuel: a slice is not shorter because the host took long in the one before", () => {
  const { counter, gauge } = openGauge(1e12);
  gauge.resume();
  gauge.charge(1);
  useSlice(counter, 10);
  gauge.refill();
  assert.equal(counter.value, sliceFuel);
});

test("fuel: what a lost slice counts as is the same number, however short the slices were", () => {
  const lost = [0, 2].map((ms) => {
    const { counter, gauge } = openGauge(1e12);
    gauge.resume();
    for (let units = 0; units < 2.5 * sliceFuel; units += 2_000) {
      if (units % 100_000 === 0) runFor(ms);
      counter.value -= 2_000;
      if (counter.value < 0) gauge.refill();
    }
    gauge.loseSlice();
    return gauge.used();
  });
  assert.equal(lost[0], lost[1]);
  assert.ok((lost[0] as number) >= 2.5 * sliceFuel && (lost[0] as number) <= 3.1 * sliceFuel);
});

test("fuel: the last slice ends at the total, and a unit beyond it is too much", () => {
  const { counter, gauge } = openGauge(sliceFuel + 10);
  counter.value = -1;
  assert.equal(gauge.refill(), true);
  assert.equal(counter.value, 9);
  counter.value = 0;
  assert.equal(gauge.isSpent(), false);
  assert.equal(gauge.used(), sliceFuel + 10);
  counter.value = -1;
  assert.equal(gauge.isSpent(), true);
  assert.equal(gauge.refill(), false);
  assert.equal(gauge.used(), sliceFuel + 11);
});
