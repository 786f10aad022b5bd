import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type Given, type OpenOptions, openPlugin, PluginRefused } from "@sandgate/plugin-sdk/testing";

const file = join(import.meta.dirname, "../rate-limit.wasm");
const grants = { counters: true };
const minute = 60_000;
/** A whole multiple of every window here. */
const midnight = Date.parse("2026-11-26T00:00:00Z");

type Config = NonNullable<OpenOptions["config"]>;

/** A plugin with a clock of its own, and what came of a request: null when it went on, else the answer's headers. */
async function open(config: Config) {
  const clock = { ms: midnight };
  const plugin = await openPlugin(file, { config, grants, now: () => clock.ms });
  const ask = (given: Given = {}) => plugin.call("pre_request", given);
  const refused = async (given: Given = {}) => {
    const { response, effects } = await ask(given);
    const headers = response?.headers as Record<string, string> | undefined;
    assert.equal(effects.at(-1)?.type === "respond", response !== null);
    return headers ?? null;
  };
  const granted = async (requests: number, given: Given = {}) => {
    const answers = await Promise.all(Array.from({ length: requests }, () => refused(given)));
    return answers.filter((answer) => answer === null).length;
  };
  const used = (inputTokens: number, outputTokens: number, given: Given = {}) =>
    plugin.call("post_request", { ...given, usage: { inputTokens, outputTokens } });
  return { plugin, clock, ask, refused, granted, used, [Symbol.asyncDispose]: plugin.close };
}

for (const window of ["fixed", "sliding", "token-bucket"] as const) {
  test(`${window}: of 200 requests at one time exactly as many go on as the limit says`, async () => {
    await using limited = await open({ requests: 60, per: "1m", window });
    assert.equal(await limited.granted(200), 60);
    assert.equal(await limited.granted(20), 0);
  });

  test(`${window}: who waits as long as the answer says goes on, and not a millisecond before`, async () => {
    await using limited = await open({ requests: 7, per: "1m", window });
    for (const step of [0, 13_337, 1, 29_999, 61_003, 17]) {
      limited.clock.ms += step;
      await limited.granted(10);
      const answer = await limited.refused();
      const waitMs = Number(answer?.["retry-after-ms"]);
      assert.ok(waitMs > 0 && waitMs <= 2 * minute, `${waitMs}`);
      assert.equal(answer?.["retry-after"], `${Math.ceil(waitMs / 1000)}`);
      limited.clock.ms += waitMs - 1;
      assert.notEqual(await limited.refused(), null, `${waitMs} ms are needed`);
      limited.clock.ms += 1;
      assert.equal(await limited.refused(), null, `${waitMs} ms are enough`);
    }
  });

  test(`${window}: tokens are counted when the answer has ended, and what is over the limit is waited for`, async () => {
    await using limited = await open({ tokens: 1_000, per: "1m", window });
    assert.equal(await limited.granted(5), 5);
    await limited.used(300, 600);
    const { exchange } = await limited.ask();
    assert.equal(exchange.responseHeaders["x-ratelimit-remaining-tokens"], "100");
    await limited.used(1_000, 100);
    const answer = await limited.refused();
    assert.equal(answer?.["x-ratelimit-remaining-tokens"], "0");
    limited.clock.ms += Number(answer?.["retry-after-ms"]);
    assert.equal(await limited.refused(), null);
  });

  test(`${window}: everything is there again when the time to reset is over`, async () => {
    await using limited = await open({ requests: 5, per: "1m", window });
    assert.equal(await limited.granted(5), 5);
    const answer = await limited.refused();
    const [, minutes = 0, seconds] =
      /^(?:(\d+)m)?(\d+)s$/.exec(answer?.["x-ratelimit-reset-requests"] ?? "") ?? [];
    limited.clock.ms += Number(minutes) * minute + Number(seconds) * 1_000;
    const { exchange } = await limited.ask();
    assert.equal(exchange.responseHeaders["x-ratelimit-remaining-requests"], "4");
  });
}

test("fixed: a window begins at a whole multiple of its length", async () => {
  await using limited = await open({ requests: 2, per: "10s", window: "fixed" });
  limited.clock.ms += 9_999;
  assert.equal(await limited.granted(3), 2);
  limited.clock.ms += 1;
  assert.equal(await limited.granted(3), 2);
});

test("sliding: no doubled limit around the end of a window", async () => {
  await using limited = await open({ requests: 10, per: "10s", window: "sliding" });
  limited.clock.ms += 9_000;
  assert.equal(await limited.granted(20), 10);
  limited.clock.ms += 1_000;
  assert.equal(await limited.granted(20), 0);
  limited.clock.ms += 5_000;
  assert.equal(await limited.granted(20), 5);
});

test("token-bucket: what was not used gathers up to the limit, and comes back evenly", async () => {
  await using limited = await open({ requests: 10, per: "10s", window: "token-bucket" });
  limited.clock.ms += 3_600_000;
  assert.equal(await limited.granted(20), 10);
  limited.clock.ms += 999;
  assert.equal(await limited.granted(2), 0);
  limited.clock.ms += 1;
  assert.equal(await limited.granted(2), 1);
  limited.clock.ms += 3_500;
  assert.equal(await limited.granted(5), 3);
});

test("a request that tokens refuse does not count as one", async () => {
  await using limited = await open({ requests: 2, tokens: 10, per: "1m", window: "fixed" });
  await limited.used(10, 0);
  assert.equal(await limited.granted(5), 0);
  const answer = await limited.refused();
  assert.equal(answer?.["x-ratelimit-limit-tokens"], "10");
  assert.equal(answer?.["x-ratelimit-limit-requests"], undefined);
  limited.clock.ms += minute;
  assert.equal(await limited.granted(5), 2);
});

test("a wait of more than a minute is told as it is, and clients are told not to wait for it", async () => {
  await using limited = await open({ requests: 1, per: "24h", window: "fixed" });
  assert.equal(await limited.granted(1), 1);
  const answer = await limited.refused();
  assert.equal(answer?.["retry-after"], "86400");
  assert.equal(answer?.["retry-after-ms"], "86400000");
  assert.equal(answer?.["x-should-retry"], "false");
  limited.clock.ms += 24 * 3_600_000 - minute;
  const last = await limited.refused();
  assert.equal(last?.["retry-after"], "60");
  assert.equal(last?.["x-should-retry"], undefined);
});

const same = [
  ["consumer", { consumer: "alice" }, { consumer: "bob" }],
  ["header:X-Team", { headers: { "x-team": "a" } }, { headers: { "x-team": "b" } }],
  [
    "header:x-long",
    { headers: { "x-long": "é".repeat(3_000) } },
    { headers: { "x-long": `${"é".repeat(2_999)}e` } },
  ],
  ["header:constructor", { headers: { constructor: "a" } }, { headers: { constructor: "b" } }],
  ["tag:team", { tags: { team: "日".repeat(1_000) } }, { tags: { team: "日".repeat(999) } }],
  ["tag:a:b c", { tags: { "a:b c": "1" } }, { tags: { "a:b c": "" } }],
] as const;

for (const [by, one, other] of same) {
  test(`by ${by}: each has a limit of its own, and those without it share one`, async () => {
    await using limited = await open({ requests: 3, per: "1m", by });
    assert.equal(await limited.granted(5, one), 3);
    assert.equal(await limited.granted(5, other), 3);
    assert.equal(await limited.granted(5, one), 0);
    assert.equal(await limited.granted(2, {}), 2);
    assert.equal(await limited.granted(2, { headers: { "x-other": "a" }, tags: { other: "a" } }), 1);
  });
}

test("by all: everybody shares one limit", async () => {
  await using limited = await open({ requests: 3, per: "1m", by: "all" });
  assert.equal(await limited.granted(2, { consumer: "alice" }), 2);
  assert.equal(await limited.granted(2, { consumer: "bob" }), 1);
});

test("tokens are counted for who asked", async () => {
  await using limited = await open({ tokens: 10, per: "1m" });
  await limited.used(9, 1, { consumer: "alice" });
  assert.equal(await limited.granted(1, { consumer: "alice" }), 0);
  assert.equal(await limited.granted(1, { consumer: "bob" }), 1);
});

test("headers: false tells clients nothing but when to come back", async () => {
  await using limited = await open({ requests: 1, per: "1m", headers: false });
  assert.deepEqual((await limited.ask()).effects, []);
  const names = Object.keys((await limited.refused()) ?? {});
  assert.deepEqual(
    names.filter((name) => name.startsWith("x-ratelimit")),
    [],
  );
  assert.ok(names.includes("retry-after"));
});

const refused: readonly (readonly [Config, RegExp])[] = [
  [{ per: "1m" }, /requests|tokens/],
  [{ requests: 1 }, /per/],
  [{ requests: 0, per: "1m" }, /config\.requests: must be >= 1/],
  [{ requests: 1, per: "1d" }, /config\.per: must match pattern/],
  [{ requests: 1, per: "25h" }, /per: 25h is more than 24h/],
  [{ requests: 1, per: "1m", by: "ip" }, /config\.by: must match pattern/],
  [
    { requests: 1, per: "1m", by: "header:Authorization" },
    /authorization holds a credential; count by consumer/,
  ],
  [{ requests: 1, per: "1m", window: "slide" }, /config\.window: must be one of/],
  [
    { tokens: 120_000_001, per: "1m", window: "token-bucket" },
    /tokens: 120000001 is too much for a token bucket; with per: 1m the most is 120000000/,
  ],
];

for (const [config, problem] of refused) {
  test(`refused: config ${JSON.stringify(config)}`, async () => {
    await assert.rejects(openPlugin(file, { config, grants }), (thrown) => {
      assert.ok(thrown instanceof PluginRefused);
      assert.match(thrown.message, problem);
      return true;
    });
  });
}

for (const window of ["fixed", "sliding", "token-bucket"] as const) {
  test(`${window}: a request costs at most 1,000,000 fuel`, async () => {
    await using limited = await open({ requests: 9, tokens: 9, per: "1m", window });
    const headers = { "user-agent": "sdk/1", accept: "application/json", "content-type": "application/json" };
    for (const given of [{ headers, consumer: "alice" }, { headers }]) {
      const { fuel } = await limited.ask(given);
      assert.ok(fuel <= 1_000_000, `${fuel} fuel`);
    }
  });
}
