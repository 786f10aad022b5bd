import assert from "node:assert/strict";
import { test } from "node:test";
import { processCapacity } from "#host/sandbox/capacity.ts";
import { type Attack, honest, run } from "./attack.ts";
import { cpuAttacks } from "./cpu.ts";
import { escapeAttacks } from "./escape.ts";
import { memoryAttacks } from "./memory.ts";

const attacks: readonly (readonly [string, Attack])[] = Object.entries({
  ...cpuAttacks,
  ...memoryAttacks,
  ...escapeAttacks,
});
const atOnce = 20;
const mib = 1024 * 1024;

async function mustEndWell(): Promise<void> {
  assert.equal(Buffer.from((await run(honest)).output).toString(), honest.input);
}

/** Attacks side by side, and honest calls among them for as long as they last. */
async function mustEndAsTheyShould(some: readonly (readonly [string, Attack])[]): Promise<void> {
  let running = true;
  async function others(): Promise<void> {
    while (running) {
      await mustEndWell();
      await new Promise(setImmediate);
    }
  }
  const watching = others();
  const endings = await Promise.all(
    some.map(async ([name, attack]) => `${(await run(attack)).outcome}: ${name}`),
  );
  running = false;
  await watching;
  assert.deepEqual(
    endings,
    some.map(([name, { outcome }]) => `${outcome}: ${name}`),
  );
}

test("all attacks in one process: one after the other, and twenty at once, with honest calls answered between", async () => {
  for (const one of attacks) {
    await mustEndAsTheyShould([one]);
    await mustEndWell();
  }
  const before = process.memoryUsage().rss;
  for (let round = 0; round < 2; round++) {
    for (let at = 0; at < attacks.length; at += atOnce) {
      await mustEndAsTheyShould(attacks.slice(at, at + atOnce));
    }
  }
  await mustEndWell();
  assert.equal(processCapacity.instances, 0);
  assert.equal(processCapacity.calls, 0);
  const grown = (process.memoryUsage().rss - before) / mib;
  assert.ok(grown < 300, `${grown} MiB more than after the first time`);
});
