import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestGateway } from "#test/harness.ts";
import { watPlugin } from "#test/wat-plugin.ts";

const marking = watPlugin(
  { name: "marking", hooks: { pre_request: { writes: ["request.headers"] } } },
  { pre_request: [{ type: "set-header", on: "request", name: "x-marked", value: "yes" }] },
);
const refusing = watPlugin(
  { name: "refusing", hooks: { pre_request: { writes: ["respond"] } } },
  { pre_request: [{ type: "respond", status: 418 }] },
);
const trapping = watPlugin(
  { name: "trapping", hooks: { pre_request: {} } },
  { pre_request: "(unreachable)" },
);

const config = (use: object[]) => ({
  gateway: { use },
  services: { demo: { provider: "mock" } },
  routes: { all: { match: { paths: ["/v1/*"] }, service: "demo" } },
});
const chat = (model: string) => ({ model, messages: [{ role: "user", content: "hi" }] });

test("a step runs only where the condition of its binding holds", async (t) => {
  const use = [{ plugin: "marking", when: { models: ["gpt-*"], headers: { "x-team": "search" } } }];
  const gateway = await startTestGateway(t, { config: config(use), plugins: { marking } });
  const marked = async (model: string, headers: Record<string, string> = {}) => {
    const response = await gateway.post("/v1/chat/completions", chat(model), headers);
    return ((await response.json()) as { sandgate_mock: { headers: Record<string, string> } }).sandgate_mock
      .headers["x-marked"];
  };
  assert.equal(await marked("gpt-5", { "x-team": "search" }), "yes");
  assert.equal(await marked("gpt-5", { "x-team": "other" }), undefined);
  assert.equal(await marked("mock", { "x-team": "search" }), undefined);
});

test("a step that only observes changes nothing, and its failure fails nothing", async (t) => {
  const use = ["marking", "refusing", "trapping"].map((plugin) => ({ plugin, effect: "observe" }));
  const gateway = await startTestGateway(t, {
    config: config(use),
    plugins: { marking, refusing, trapping },
  });
  const response = await gateway.post("/v1/chat/completions", chat("mock"));
  assert.equal(response.status, 200);
  const { sandgate_mock: seen } = (await response.json()) as { sandgate_mock: { headers: object } };
  assert.equal("x-marked" in seen.headers, false);
  const failed = await gateway.logged(({ msg }) => msg === "a plugin failed");
  assert.partialDeepStrictEqual(failed, { plugin: "trapping", outcome: "trap", skipped: true });
});
