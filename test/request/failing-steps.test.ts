import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { type Script, startFakeUpstream } from "#test/fake-upstream/fake-upstream.ts";
import { startTestGateway } from "#test/harness.ts";
import { watPlugin } from "#test/wat-plugin.ts";
import { chat, within } from "./bench.ts";
import { endings, noJson } from "./case-file.ts";
import { scrape, total } from "./metrics.ts";

const places = {
  "pre-request": { hook: "pre_request", more: {} },
  "post-request": { hook: "post_request", more: {} },
  completion: { hook: "post_request", more: { at: "completion" } },
  error: { hook: "error", more: {} },
} as const;

const undeclared = [{ type: "tag", name: "a", value: "b" }] as const;

/** By name, `error-traps`: a plugin that fails there in this way. */
const plugins: Record<string, Uint8Array> = {
  again: watPlugin(
    { name: "again", hooks: { error: { writes: ["retry"] } } },
    { error: [{ type: "retry" }] },
  ),
};
for (const [place, { hook, more }] of Object.entries(places)) {
  for (const [ending, does] of Object.entries({ ...endings, undeclared })) {
    const name = `${place}-${ending}`;
    plugins[name] = watPlugin({ name, hooks: { [hook]: { ...more, writes: [] } } }, { [hook]: does }, noJson);
  }
}

const upstreams = {
  well: { script: {}, status: 200 },
  error: { script: { answer: "error-500" }, status: 500 },
  reset: { script: { fault: { kind: "reset", after: "request" } }, status: 502 },
} as const satisfies Record<string, { script: Script; status: number }>;

type Use = {
  readonly plugin: string;
  readonly onFailure: "closed" | "open";
  readonly mode: "sequential" | "parallel";
};

/** What a request must come to, by the rules as they are written. */
function expected(uses: readonly Use[], upstream: keyof typeof upstreams) {
  const fails = (place: string) =>
    uses.some(({ plugin, onFailure }) => plugin.startsWith(`${place}-`) && onFailure === "closed");
  if (fails("pre-request")) return { status: 500, attempts: 0 };
  const ofErrors = uses.filter(({ plugin }) => plugin === "again" || plugin.startsWith("error-"));
  const decisive = ofErrors.find(({ plugin, onFailure }) => plugin === "again" || onFailure === "closed");
  const attempts = upstream !== "well" && decisive?.plugin === "again" ? 3 : 1;
  const isAnswered = upstream !== "reset";
  return { status: isAnswered && fails("post-request") ? 500 : upstreams[upstream].status, attempts };
}

const anyUse: fc.Arbitrary<Use> = fc.record({
  plugin: fc.constantFrom(...Object.keys(plugins)),
  onFailure: fc.constantFrom("closed", "open"),
  mode: fc.constantFrom("sequential", "parallel"),
});

test("whatever plugin fails in whatever step, a request has the one answer that the rules say, and leaves its generation", async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyUse, { minLength: 1, maxLength: 5 }),
      fc.constantFrom(...(Object.keys(upstreams) as (keyof typeof upstreams)[])),
      (uses, upstream) => checkOne(t, uses, upstream),
    ),
    { numRuns: 60, seed: 20_261_126, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true },
  );
});

async function checkOne(
  t: TestContext,
  uses: readonly Use[],
  upstream: keyof typeof upstreams,
): Promise<void> {
  const fake = await startFakeUpstream();
  await fake.play(upstreams[upstream].script);
  const use = uses.map((one, order) => ({ ...one, id: `use-${order}`, order, limits: { fuel: 1_000_000 } }));
  const names = new Set(uses.map(({ plugin }) => plugin));
  const gateway = await startTestGateway(t, {
    plugins: Object.fromEntries(Object.entries(plugins).filter(([name]) => names.has(name))),
    config: {
      gateway: { use },
      services: { fake: { provider: "openai", targets: [{ url: `${fake.url}/v1` }] } },
      routes: { all: { match: { paths: ["/*"] }, service: "fake" } },
    },
  });
  try {
    const answer = await gateway.post("/v1/chat/completions", chat);
    await answer.json();
    const { status, attempts } = expected(uses, upstream);
    assert.equal(answer.status, status);
    assert.equal(answer.headers.get("x-sandgate-attempts"), String(attempts));
    assert.equal(fake.received.length, attempts);
    const samples = await scrape(gateway);
    assert.equal(total(samples, "sandgate_requests_total"), 1);
    assert.equal(total(samples, "sandgate_upstream_attempts_total"), attempts);
  } finally {
    // It cannot stop while a request has not left its generation.
    assert.equal(await within(10_000, gateway.running.stop()), "in time");
    await fake.close();
  }
}
