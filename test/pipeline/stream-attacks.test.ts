import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { chunk, done, finish } from "#test/request/event-plugin.ts";
import { openEventStage } from "./event-stage.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function heapMib(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}

async function* times(count: number, make: (index: number) => string): AsyncGenerator<Buffer> {
  for (let index = 0; index < count; index += 1) yield Buffer.from(make(index));
}

const pass = { body: "return passEvent();" };

test("10,000 events through three plugins: the same bytes, and memory stays flat", async (t) => {
  const stage = await openEventStage(t, { one: pass, two: pass, three: pass });
  const make = (index: number) => (index === 9_999 ? done : chunk(`word ${index}`));
  const expected = Buffer.concat(await Array.fromAsync(times(10_000, make)));
  let count = 0;
  let bytes = 0;
  let first = 0;
  for await (const piece of stage.pull("openai", times(10_000, make))) {
    assert.ok(expected.subarray(bytes, bytes + piece.length).equals(piece));
    bytes += piece.length;
    count += 1;
    if (count === 2_000) first = heapMib();
  }
  assert.equal(bytes, expected.length);
  const grown = heapMib() - first;
  assert.ok(grown < 8, `${grown} MiB`);
  // One report for each plugin, not one for each event.
  assert.deepEqual(
    stage.reports.map(({ outcome, calls }) => [outcome, calls]),
    [
      ["ok", 10_000],
      ["ok", 10_000],
      ["ok", 10_000],
    ],
  );
});

test("tiny events in few chunks, none read ahead of the client", async (t) => {
  const stage = await openEventStage(t, { it: { body: "if (event.index % 2) return dropEvent();" } });
  const tiny = Buffer.from("data:1\n\n".repeat(1_000));
  let asked = 0;
  async function* source() {
    for (let index = 0; index < 20; index += 1) {
      asked += 1;
      yield tiny;
    }
  }
  let count = 0;
  for await (const _piece of stage.pull("openai", source())) {
    count += 1;
    assert.ok(asked <= Math.ceil((count * 2) / 1_000) + 1, `${asked} chunks for ${count} events`);
  }
  assert.equal(count, 10_000);
});

test("events of 1 MiB, and a plugin that makes 1 MiB of each", async (t) => {
  const stage = await openEventStage(t, {
    it: { body: "if (event.text) return replaceText('y'.repeat(1_000_000));" },
  });
  const big = chunk("x".repeat(1_000_000));
  const before = heapMib();
  let bytes = 0;
  for await (const piece of stage.pull(
    "openai",
    times(40, (index) => (index % 2 ? big : chunk("x"))),
  )) {
    bytes += piece.length;
  }
  assert.ok(bytes > 40_000_000, `${bytes} bytes`);
  const grown = heapMib() - before;
  assert.ok(grown < 30, `${grown} MiB`);
});

test("JSON that is nested too deep is a text to plugins", async (t) => {
  const deep = `data: ${"[".repeat(100_000)}${"]".repeat(100_000)}\n\n`;
  const stage = await openEventStage(t, {
    it: {
      body: "if (typeof event.data !== 'string') return stopStream('parsed'); if (event.index === 0) return replaceData('deep');",
    },
  });
  const { bytes, error } = await stage.run(
    "openai",
    times(2, (index) => (index === 0 ? deep : done)),
  );
  assert.deepEqual([String(bytes), error], [`data: deep\n\n${done}`, null]);
});

test("an upstream that dies in the middle of what a plugin holds is heard at once", async (t) => {
  const stage = await openEventStage(t, { it: { body: "return event.last ? undefined : holdEvent();" } });
  async function* dying() {
    yield Buffer.from(chunk("a") + finish.slice(0, 9));
    throw new Error("dead");
  }
  const { bytes, error } = await stage.run("openai", dying());
  assert.deepEqual([String(bytes), String(error)], ["", "Error: dead"]);
});

test("a plugin that holds for ever is asked when its time is over, and may say for how long it holds", async (t) => {
  const stage = await openEventStage(t, {
    it: { body: "return event.timeout ? passEvent() : event.text ? holdEvent() : undefined;" },
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  async function* silent() {
    yield Buffer.from(chunk("a"));
    await promise;
    yield Buffer.from(done);
  }
  const pieces = stage.pull("openai", silent());
  const first = await pieces.next();
  assert.equal(String(first.value), chunk("a"));
  resolve();
  assert.equal(String((await pieces.next()).value), done);
});

for (const [what, other] of [
  ["comments", ": still here\n\n"],
  ["events of another choice", chunk("b", { index: 1 })],
] as const) {
  test(`${what} do not put the time off for which a plugin may hold an event`, async (t) => {
    const stage = await openEventStage(t, {
      it: { body: "return event.text === 'a' ? holdEvent() : undefined;" },
    });
    async function* talking() {
      yield Buffer.from(chunk("a"));
      for (;;) {
        await delay(300);
        yield Buffer.from(other);
      }
    }
    const seen: string[] = [];
    for await (const piece of stage.pull("openai", talking())) {
      seen.push(String(piece));
      if (seen.at(-1) === chunk("a")) break;
      assert.ok(seen.length < 30, "it is held for ever");
    }
    assert.ok(seen.length > 2, "it was held for a while");
  });
}

test("what a plugin lets go when it fails open leaves once, also when the upstream breaks off later", async (t) => {
  const stage = await openEventStage(t, {
    it: {
      body: "if (event.text === 'b') throw new Error('oh'); return holdEvent();",
      binding: { onFailure: "open" },
    },
  });
  async function* dying() {
    yield Buffer.from(chunk("a") + chunk("b") + chunk("c"));
    throw new Error("dead");
  }
  const { bytes } = await stage.run("openai", dying());
  assert.equal(String(bytes), chunk("a") + chunk("b") + chunk("c"));
});

test("a plugin that stops at the first event leaves nothing behind", async (t) => {
  const stage = await openEventStage(t, { it: { body: "return stopStream('no');" } });
  let left = false;
  async function* endless() {
    try {
      for (;;) yield Buffer.from(chunk("a"));
    } finally {
      left = true;
    }
  }
  const { bytes, error } = await stage.run("openai", endless());
  assert.deepEqual([bytes.length, String(error)], [0, "StreamStopped: no"]);
  assert.ok(left);
});
