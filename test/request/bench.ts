import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { type ErrorCode, errorTable } from "#host/errors.ts";
import type { Surface } from "#host/surface.ts";
import { type FakeUpstream, type Script, startFakeUpstream } from "#test/fake-upstream/fake-upstream.ts";
import { startTestGateway, type TestGateway, type TestGatewayOptions } from "#test/harness.ts";

export const targetKey = "sk-upstream-of-the-operator";
export const aliceKey = "sk-alice-test";

export type Bench = { readonly gateway: TestGateway; readonly fake: FakeUpstream };

export type BenchOptions = Partial<TestGatewayOptions> & {
  readonly script?: Script;
  /** Of the service. */
  readonly timeouts?: object;
};

/**
 * A gateway before a fake upstream that plays `script`: every path is one route. After the test it must stop in
 * seconds, which it cannot while an exchange has not left its generation.
 */
export async function openBench(t: TestContext, options: BenchOptions = {}): Promise<Bench> {
  const { script = {}, timeouts = {}, config = {}, ...rest } = options;
  const fake = await startFakeUpstream();
  await fake.play(script);
  const targets = [{ url: `${fake.url}/v1`, key: targetKey }];
  const starting = startTestGateway(t, {
    ...rest,
    config: {
      services: { fake: { provider: "openai", targets, timeouts } },
      routes: { all: { match: { paths: ["/*"] }, service: "fake" } },
      consumers: { alice: { keys: [aliceKey] } },
      ...config,
    },
  });
  t.after(async () => {
    const gateway = await starting.catch(() => null);
    const stopped = gateway === null ? "in time" : await within(10_000, gateway.running.stop());
    await fake.close();
    assert.equal(stopped, "in time");
  });
  return { gateway: await starting, fake };
}

/** Bounds a wait that could be for ever. */
export async function within(ms: number, work: Promise<unknown>): Promise<"in time" | "too late"> {
  const late = Promise.withResolvers<"too late">();
  const timer = setTimeout(() => late.resolve("too late"), ms);
  const done = await Promise.race([work.then(() => "in time" as const), late.promise]);
  clearTimeout(timer);
  return done;
}

/** A path of each API, for a POST. */
export const paths = {
  openai: "/v1/chat/completions",
  "openai-responses": "/v1/responses",
  anthropic: "/v1/messages",
  gemini: "/v1beta/models/gemini-3-flash:generateContent",
} as const satisfies Record<Surface, string>;

export const chat = { model: "gpt-4o-mini", messages: [{ role: "user", content: "Grüße" }] };
export const chatStream = { ...chat, stream: true };

/** An answer of the gateway, however it was received. */
export type Answered = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export async function answeredBy(response: Response): Promise<Answered> {
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  };
}

/** The whole error: status and shape of the API, a request id, and a line of the log that names the same and the blame. */
export async function assertTypedError(
  gateway: TestGateway,
  answer: Answered | undefined,
  { code, surface = "openai" }: { readonly code: ErrorCode; readonly surface?: Surface },
): Promise<void> {
  assert.ok(answer !== undefined, "there is an answer");
  const { status, blame, retry } = errorTable[code];
  assert.equal(answer.status, status, answer.body);
  assert.equal(answer.headers["content-type"], "application/json; charset=utf-8");
  assert.equal(answer.headers["x-should-retry"], retry ? undefined : "false");
  const id = answer.headers["x-request-id"] ?? "";
  assert.match(id, /^[0-9a-f-]{36}$/);
  assertShape(JSON.parse(answer.body), { surface, code, status, id });
  assert.ok(!answer.body.includes(targetKey));
  const line = await gateway.logged((one) => one["requestId"] === id && one["code"] === code);
  assert.equal(line["blame"], blame);
}

type Wanted = {
  readonly surface: Surface;
  readonly code: string;
  readonly status: number;
  readonly id: string;
};

function assertShape(value: unknown, { surface, code, status, id }: Wanted): void {
  const { error } = value as { readonly error: { readonly message: string } };
  assert.ok(error.message.length > 10);
  if (surface === "anthropic") {
    assert.partialDeepStrictEqual(value, { type: "error", request_id: id });
    assert.match(String((error as { readonly type?: string }).type), /_error$|^request_too_large$/);
  } else if (surface === "gemini") {
    assert.equal((error as { readonly code?: number }).code, status);
    assert.match(String((error as { readonly status?: string }).status), /^[A-Z_]+$/);
  } else {
    assert.partialDeepStrictEqual(error, { param: null, code });
  }
}

/** The process lives and serves. */
export async function assertServes({ gateway, fake }: Bench): Promise<void> {
  await fake.play({});
  const response = await gateway.post(paths.openai, chat);
  assert.equal(response.status, 200);
  assert.equal(JSON.parse(await response.text()).object, "chat.completion");
}
