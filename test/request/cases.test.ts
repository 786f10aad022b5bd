import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Script, startFakeUpstream } from "#test/fake-upstream/fake-upstream.ts";
import { startTestGateway } from "#test/harness.ts";
import { within } from "./bench.ts";
import { casePlugin, type RequestCase, readCases } from "./case-file.ts";
import { eventually } from "./eventually.ts";

const names = ["a", "b", "c"] as const;

for (const { file, cases } of readCases(new URL("cases/", import.meta.url))) {
  for (const one of cases) test(`${file}: ${one.name}`, (t) => run(t, one));
}

async function run(t: TestContext, { plugins, config, upstreams, request, times, expect }: RequestCase) {
  const asked: { name: string; url: string; body: Buffer }[] = [];
  const urls = new Map<string, string>();
  for (const name of names) {
    const fake = await startFakeUpstream({
      onRequest: ({ url, body }) => asked.push({ name, url, body }),
    });
    t.after(() => fake.close());
    const [first = {}, ...next] = upstreams[name] ?? [];
    await fake.play(first as Script, ...(next as Script[]));
    urls.set(name, fake.url);
  }
  // In config and plugins `http://a` is where the upstream `a` listens.
  const placed = <Value>(value: Value): Value =>
    JSON.parse(JSON.stringify(value).replace(/http:\/\/([abc])\b/g, (_whole, name) => urls.get(name) ?? ""));
  const gateway = await startTestGateway(t, {
    config: placed(config),
    plugins: Object.fromEntries(
      Object.entries(plugins).map(([name, hooks]) => [name, casePlugin(name, placed(hooks))]),
    ),
  });

  let answer = new Response();
  let text = "";
  for (let time = 0; time < times; time += 1) {
    const body = typeof request.body === "string" ? request.body : JSON.stringify(request.body);
    const headers = { "content-type": request.type };
    answer = await gateway.fetch(request.path, { method: "POST", headers, body });
    text = await answer.text();
  }
  const json = parsed(text) as { error?: { code?: string } } | string;

  assert.equal(answer.status, expect.status, text);
  assert.equal(answer.headers.get("x-sandgate-attempts"), String(expect.attempts));
  const host = answer.headers.get("x-sandgate-target");
  assert.equal(names.find((name) => urls.get(name) === `http://${host}`) ?? host, expect.target);
  assert.deepEqual(
    asked.map(({ name }) => name),
    expect.asked,
  );
  if (expect.code !== undefined)
    assert.equal((json as { error: { code: string } }).error.code, expect.code, text);
  for (const [name, value] of Object.entries(expect.headers))
    assert.equal(answer.headers.get(name), value, name);
  if (typeof expect.body === "string") assert.ok(text.includes(expect.body), text);
  else if (expect.body !== undefined) assert.partialDeepStrictEqual(json, expect.body);
  if (expect.models !== undefined) {
    const models = asked.map(({ body }) => (JSON.parse(body.toString()) as { model: string }).model);
    assert.deepEqual(models, expect.models);
  }
  if (expect.paths !== undefined)
    assert.deepEqual(
      asked.map(({ url }) => url),
      expect.paths,
    );

  for (const line of expect.logged) {
    await eventually(
      () => gateway.log,
      (lines) => lines.some((found) => Object.entries(line).every(([key, value]) => found[key] === value)),
    );
  }
  if (expect.seen !== undefined) {
    const seen = gateway.log.filter(({ msg }) => msg.startsWith("{")).map(({ msg }) => JSON.parse(msg));
    assert.partialDeepStrictEqual(seen, placed(expect.seen));
    assert.equal(seen.length, expect.seen.length);
  }
  // A request that has not left its generation keeps the gateway from stopping.
  assert.equal(await within(10_000, gateway.running.stop()), "in time");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
