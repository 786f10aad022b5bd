import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { startFakeUpstream } from "#test/fake-upstream/fake-upstream.ts";
import { startTestGateway } from "#test/harness.ts";
import { chat, paths } from "./bench.ts";

const plugins = {
  "health-check": await readFile(new URL("../../plugins/health-check.wasm", import.meta.url)),
};

test("a target that fails its probe gets no requests until it passes one", async (t) => {
  const sick = await startFakeUpstream();
  const well = await startFakeUpstream();
  t.after(() => Promise.all([sick.close(), well.close()]));
  await sick.play({ answer: "error-500" });
  const hosts = [sick, well].map(({ url }) => new URL(url).host);
  const gateway = await startTestGateway(t, {
    plugins,
    config: {
      services: {
        both: {
          provider: "openai",
          targets: [
            { url: `${sick.url}/v1`, key: "k1" },
            { url: `${well.url}/v1`, key: "k2" },
          ],
          use: [
            {
              plugin: "health-check",
              schedule: { every: "100ms" },
              config: { headers: { authorization: "Bearer {{secret:PROBE}}" } },
              grants: { http: hosts, secrets: ["PROBE"] },
            },
          ],
        },
      },
      secrets: { PROBE: "sk-probe-of-the-operator" },
      routes: { all: { match: { paths: ["/*"] }, service: "both" } },
    },
  });
  const asked = ({ received }: typeof sick) => received.filter(({ method }) => method === "POST").length;
  const ask = async (times: number) => {
    for (let time = 0; time < times; time += 1) {
      const answer = await gateway.post(paths.openai, chat);
      await answer.arrayBuffer();
      assert.equal(answer.status, 200);
    }
  };

  await gateway.logged(({ msg }) => msg === "a target does not work");
  // The line is written before the effects of its call are applied: a whole further probe has to be there.
  const probes = sick.received.length;
  while (sick.received.length < probes + 2) await sick.arrival();
  await ask(6);
  assert.equal(asked(sick), 0);
  assert.equal(asked(well), 6);
  assert.equal(sick.received[0]?.headers.authorization, "Bearer sk-probe-of-the-operator");

  await sick.play({});
  await gateway.logged(({ msg }) => msg === "a target works again");
  const later = sick.received.length;
  while (sick.received.length < later + 2) await sick.arrival();
  await ask(6);
  assert.ok(asked(sick) >= 2);
});
