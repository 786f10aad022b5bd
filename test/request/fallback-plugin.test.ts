import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { type FakeUpstream, type Script, startFakeUpstream } from "#test/fake-upstream/fake-upstream.ts";
import { startTestGateway } from "#test/harness.ts";
import { chat, chatStream, paths } from "./bench.ts";

const plugins = {
  fallback: await readFile(new URL("../../plugins/fallback.wasm", import.meta.url)),
  retry: await readFile(new URL("../../plugins/retry.wasm", import.meta.url)),
};

type Options = { readonly use: readonly object[]; readonly scripts: Readonly<Record<string, Script>> };

/** A gateway before an upstream, and a service, for each script; all requests go to the first. */
async function open(t: TestContext, { use, scripts }: Options) {
  const fakes: Record<string, FakeUpstream> = {};
  for (const [name, script] of Object.entries(scripts)) {
    const fake = await startFakeUpstream();
    await fake.play(script);
    t.after(fake.close);
    fakes[name] = fake;
  }
  const services = Object.fromEntries(
    Object.entries(fakes).map(([name, { url }]) => [
      name,
      { provider: "openai", targets: [{ url: `${url}/v1` }], attempts: { max: 5 } },
    ]),
  );
  const [first = ""] = Object.keys(scripts);
  const routes = { all: { match: { paths: ["/*"] }, service: first } };
  const gateway = await startTestGateway(t, { plugins, config: { services, routes, gateway: { use } } });
  const models = (name: string) => fakes[name]?.received.map(({ body }) => JSON.parse(String(body)).model);
  return { gateway, models };
}

const to = (...places: object[]) => ({ plugin: "fallback", config: { to: places } });

for (const [kind, body] of [
  ["whole answer", chat],
  ["stream", chatStream],
] as const) {
  test(`a service that cannot answer is replaced by the next of the list: ${kind}`, async (t) => {
    const { gateway, models } = await open(t, {
      use: [to({ service: "second" }, { service: "third", model: "small" })],
      scripts: {
        first: { answer: "error-500" },
        second: { fault: { kind: "reset", after: "request" } },
        third: {},
      },
    });
    const answer = await gateway.post(paths.openai, body);
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /Grüße/);
    assert.equal(answer.headers.get("x-sandgate-attempts"), "3");
    assert.deepEqual(
      [models("first"), models("second"), models("third")],
      [[chat.model], [chat.model], ["small"]],
    );
  });
}

test("another model of the same service is asked, and when all have failed the client gets the last answer", async (t) => {
  const { gateway, models } = await open(t, {
    use: [to({ model: "small" }, { model: "tiny" })],
    scripts: { first: { answer: "error-429", headers: { "retry-after": "7" } } },
  });
  const answer = await gateway.post(paths.openai, chat);
  assert.equal(answer.status, 429);
  assert.equal(answer.headers.get("retry-after"), "7");
  assert.deepEqual(models("first"), [chat.model, "small", "tiny"]);
});

test("a mistake of the client stays with the first", async (t) => {
  const { gateway, models } = await open(t, {
    use: [to({ service: "second" })],
    scripts: { first: { answer: "error-400" }, second: {} },
  });
  assert.equal((await gateway.post(paths.openai, chat)).status, 400);
  assert.deepEqual(models("second"), []);
});

test("retry comes first: as long as it asks for another attempt, nothing falls back", async (t) => {
  const { gateway, models } = await open(t, {
    use: [to({ service: "second" }), { plugin: "retry", config: { firstMs: 0, attempts: 3 } }],
    scripts: { first: { answer: "error-500" }, second: {} },
  });
  const answer = await gateway.post(paths.openai, chat);
  assert.equal(answer.status, 200);
  assert.deepEqual([models("first")?.length, models("second")?.length], [3, 1]);
});

test("a service that is not there fails the plugin, and the client gets the error of the first", async (t) => {
  const { gateway } = await open(t, {
    use: [to({ service: "nowhere" })],
    scripts: { first: { answer: "error-500" } },
  });
  assert.equal((await gateway.post(paths.openai, chat)).status, 500);
  const line = await gateway.logged((one) => one["plugin"] === "fallback" && one["outcome"] === "error");
  assert.match(String(line["error"] ?? line["err"] ?? JSON.stringify(line)), /nowhere/);
});
