import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { ServiceConfig } from "#config/schema.ts";
import { GatewayError } from "#host/errors.ts";
import { type Surface, surfaceOf } from "#host/surface.ts";
import {
  createUpstream,
  type ForwardAnswer,
  type ForwardRequest,
  type Upstream,
} from "#host/upstream/forward.ts";
import { type FakeUpstream, type Script, startFakeUpstream } from "#test/fake-upstream/fake-upstream.ts";

export const targetKey = "sk-upstream/of+the=operator";

type OpenAi = Extract<ServiceConfig, { provider: "openai" }>;

export type Bench = { readonly fake: FakeUpstream; readonly upstream: Upstream };

/** A fake upstream that plays `script`, and the upstream of a service that has it for target; both end with the test. */
export async function openBench(
  t: TestContext,
  script: Script = {},
  timeouts: OpenAi["timeouts"] = {},
): Promise<Bench> {
  const fake = await startFakeUpstream();
  t.after(() => fake.close());
  await fake.play(script);
  const upstream = createUpstream("fake", {
    provider: "openai",
    targets: [{ url: `${fake.url}/v1`, key: targetKey }],
    timeouts,
  });
  return { fake, upstream };
}

export type Asked = Partial<ForwardRequest>;

/** A request as the gateway hands it over: by default a POST of JSON whose surface follows from its path. */
export function ask(path: string, asked: Asked = {}): ForwardRequest {
  const { json, ...rest } = asked;
  const surface: Surface = surfaceOf(path);
  return {
    surface,
    method: json === undefined ? "GET" : "POST",
    path,
    query: "",
    headers: json === undefined ? {} : { "content-type": "application/json" },
    body: json === undefined ? null : Buffer.from(JSON.stringify(json)),
    json,
    signal: new AbortController().signal,
    ...rest,
  };
}

export const chat = { model: "gpt-4o-mini", messages: [{ role: "user", content: "Grüße" }] };
export const chatStream = { ...chat, stream: true };

export async function readAll(answer: ForwardAnswer): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(answer.body));
}

export async function readText(answer: ForwardAnswer): Promise<string> {
  return (await readAll(answer)).toString("utf8");
}

export type Broken = { readonly text: string; readonly error: GatewayError };

/** What came of a body before it failed. */
export async function readBroken(answer: ForwardAnswer): Promise<Broken> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of answer.body) chunks.push(chunk);
  } catch (thrown) {
    assert.ok(thrown instanceof GatewayError);
    return { text: Buffer.concat(chunks).toString("utf8"), error: thrown };
  }
  return assert.fail("the body ended well");
}

export async function failureOf(running: Promise<ForwardAnswer>): Promise<GatewayError> {
  const thrown = await running.then(
    () => assert.fail("there was an answer"),
    (reason: unknown) => reason,
  );
  assert.ok(thrown instanceof GatewayError, String(thrown));
  return thrown;
}
