import assert from "node:assert/strict";
import { test } from "node:test";
import type { Surface } from "#host/surface.ts";
import { readAnswer } from "#test/fake-upstream/answer-file.ts";
import type { Script } from "#test/fake-upstream/fake-upstream.ts";
import { ask, chat, failureOf, openBench, readText, targetKey } from "./exchange.ts";

const paths = {
  openai: "/v1/chat/completions",
  "openai-responses": "/v1/responses",
  anthropic: "/v1/messages",
  gemini: "/v1beta/models/g:generateContent",
} as const satisfies Record<Surface, string>;
const surfaces = Object.keys(paths) as Surface[];

async function refusal(t: Parameters<typeof openBench>[0], script: Script, surface: Surface) {
  const { upstream } = await openBench(t, script);
  const answer = await upstream.attempt().forward(ask(paths[surface], { json: chat }));
  const text = await readText(answer);
  assert.equal(answer.headers["content-type"], "application/json; charset=utf-8");
  assert.equal(answer.headers["content-length"], String(Buffer.byteLength(text)));
  assert.equal(answer.eventStream, false);
  assert.equal(answer.usage(), undefined);
  return { answer, text, json: JSON.parse(text) };
}

/** The error of a surface, as its clients read it. */
function shape(surface: Surface, status: number, message: string): unknown {
  const types: Record<number, [openai: string, anthropic: string, gemini: string]> = {
    400: ["invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"],
    404: ["invalid_request_error", "not_found_error", "NOT_FOUND"],
    429: ["requests", "rate_limit_error", "RESOURCE_EXHAUSTED"],
    500: ["server_error", "api_error", "INTERNAL"],
    502: ["server_error", "api_error", "UNAVAILABLE"],
    529: ["server_error", "overloaded_error", "INTERNAL"],
  };
  const [openai, anthropic, gemini] = types[status] ?? ["", "", ""];
  switch (surface) {
    case "openai":
    case "openai-responses":
      return { error: { message, type: openai, param: null, code: "upstream_error" } };
    case "anthropic":
      return { type: "error", error: { type: anthropic, message } };
    case "gemini":
      return { error: { code: status, message, status: gemini } };
    default:
      return surface satisfies never;
  }
}

for (const { name, status, own, message } of [
  {
    name: "error-400",
    status: 400,
    own: ["openai", "openai-responses"],
    message: "'messages' is a required property",
  },
  {
    name: "error-404",
    status: 404,
    own: ["openai", "openai-responses"],
    message: "The model `gpt-9` does not exist or you do not have access to it.",
  },
  {
    name: "error-429",
    status: 429,
    own: ["openai", "openai-responses"],
    message:
      "Rate limit reached for gpt-4o-mini in organization org-x on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 6.8s.",
  },
  {
    name: "error-500",
    status: 500,
    own: ["openai", "openai-responses"],
    message: "The server had an error while processing your request. Sorry about that!",
  },
  {
    name: "anthropic-error-529",
    status: 529,
    own: ["openai", "openai-responses", "anthropic"],
    message: "Overloaded",
  },
  {
    name: "vllm-error-400",
    status: 400,
    own: [],
    message: "This model's maximum context length is 4096 tokens.",
  },
  { name: "proxy-error-502", status: 502, own: [], message: "The upstream answered with status 502." },
] as const satisfies readonly { name: string; status: number; own: readonly Surface[]; message: string }[]) {
  for (const surface of surfaces) {
    const kept = (own as readonly Surface[]).includes(surface);
    test(`${name} reaches a client of ${surface} ${kept ? "byte by byte" : "in its own shape"}`, async (t) => {
      const { answer, text, json } = await refusal(t, { answer: name }, surface);
      assert.equal(answer.status, status);
      if (kept) assert.equal(text, readAnswer(name).body.toString("utf8"));
      else assert.deepEqual(json, shape(surface, status, message));
    });
  }
}

test("when to come back is the upstream's word", async (t) => {
  const { answer } = await refusal(t, { answer: "error-429" }, "anthropic");
  assert.equal(answer.headers["retry-after"], "7");
  assert.equal(answer.headers["retry-after-ms"], "6800");
  assert.equal(answer.headers["x-ratelimit-remaining-requests"], "9999");
  assert.equal(answer.headers["openai-organization"], undefined);
  assert.equal(answer.headers["set-cookie"], undefined);
});

for (const [name, body, message] of [
  ["FastAPI's detail", '{"detail":"Not authenticated"}', "Not authenticated"],
  ["an error of text", '{"error":"model not found"}', "model not found"],
  ["control characters", '{"message":"a\\r\\nset-cookie: b\\u0000\\u009b"}', "a set-cookie: b "],
  ["a long text", `{"message":"${"x".repeat(400)}"}`, "x".repeat(300)],
  [
    "half a character at the end of a long text",
    `{"message":"${"x".repeat(299)}👋"}`,
    `${"x".repeat(299)}\ufffd`,
  ],
  ["nothing", "", "The upstream answered with status 500."],
  ["no JSON", "Internal Server Error", "The upstream answered with status 500."],
  ["an array", "[]", "The upstream answered with status 500."],
  ["bytes that are not UTF-8", Buffer.from([0x22, 0xff, 0x22]), "The upstream answered with status 500."],
  ["deep nesting", "[".repeat(30_000) + "]".repeat(30_000), "The upstream answered with status 500."],
  [
    "more than an error ever is",
    `{"error":{"message":"${"x".repeat(70_000)}"}}`,
    "The upstream answered with status 500.",
  ],
  ["a prototype", '{"__proto__":{"message":"inherited"}}', "The upstream answered with status 500."],
] as const) {
  test(`an error with ${name} keeps its status`, async (t) => {
    const { answer, json } = await refusal(t, { answer: "error-500", body }, "openai");
    assert.equal(answer.status, 500);
    assert.deepEqual(json, shape("openai", 500, message));
  });
}

test("an error in a content coding keeps its status alone", async (t) => {
  const { json } = await refusal(
    t,
    { answer: "error-500", headers: { "content-encoding": "gzip" } },
    "openai",
  );
  assert.deepEqual(json, shape("openai", 500, "The upstream answered with status 500."));
});

for (const [name, said] of [
  ["as it is", targetKey],
  ["with escaped slashes", targetKey.replaceAll("/", "\\/")],
  ["with escaped letters", targetKey.replace("sk", "\\u0073\\u006B")],
] as const) {
  for (const surface of surfaces) {
    test(`an error that repeats the key ${name} says nothing of it to ${surface}`, async (t) => {
      for (const body of [
        `{"error":{"message":"no access for Bearer ${said}","code":400,"status":"X","type":"x"},"type":"error"}`,
        `{"error":{"message":"${said}"},"error":{"message":"m","code":400,"status":"X","type":"x"},"type":"error"}`,
        `{"message":"${said}"}`,
      ]) {
        const { json } = await refusal(t, { answer: "error-400", body }, surface);
        assert.deepEqual(json, shape(surface, 400, "The upstream answered with status 400."));
      }
    });
  }
}

test("a header that repeats the key stays with the gateway", async (t) => {
  const { answer } = await refusal(
    t,
    { answer: "error-429", headers: { "x-ratelimit-limit-tokens": targetKey, "x-request-id": targetKey } },
    "openai",
  );
  assert.doesNotMatch(JSON.stringify(answer.headers), /sk-upstream/);
});

test("an error whose body breaks off is a reset", async (t) => {
  const { upstream } = await openBench(t, { answer: "error-500", fault: { kind: "reset", after: 10 } });
  const error = await failureOf(upstream.attempt().forward(ask("/v1/chat/completions", { json: chat })));
  assert.equal(error.code, "upstream_reset");
});
