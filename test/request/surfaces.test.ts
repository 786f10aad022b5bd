import assert from "node:assert/strict";
import { test } from "node:test";
import { errorAnswer, errorEvent, type Surface, surfaceOf } from "#host/surface.ts";

const paths: Readonly<Record<Surface, readonly string[]>> = {
  openai: [
    "/v1/chat/completions",
    "/chat/completions",
    "/v1/models",
    "/v1/threads/t_1/messages",
    "/v1/chat/completions/c_1/messages",
    "/v1/messagesx",
    "/v1/x?to=/v1/messages",
    "/",
    "",
    "*",
  ],
  "openai-responses": ["/v1/responses", "/responses", "/team/a/v1/responses/r_1/cancel", "/v1/responses?x=1"],
  anthropic: [
    "/v1/messages",
    "/messages",
    "/messages/",
    "/v1/messages/count_tokens",
    "/v1/messages/batches/b_1/results",
    "/claude/v1/messages?beta=true",
    "http://gateway/v1/messages",
  ],
  gemini: [
    "/v1beta/models/m:generateContent",
    "/v1/models/m:streamGenerateContent?alt=sse",
    "/models/m%3AcountTokens",
    "/v1beta/models/m%3aembedContent#x",
  ],
};

for (const [surface, all] of Object.entries(paths)) {
  test(`paths of ${surface}, with and without version and prefix`, () => {
    assert.deepEqual(
      all.map((path) => [path, surfaceOf(path)]),
      all.map((path) => [path, surface]),
    );
  });
}

for (const [status, retry] of [
  [400, {}],
  [402, {}],
  [429, { "retry-after": "1", "retry-after-ms": "1000" }],
  [503, { "retry-after": "1", "retry-after-ms": "1000" }],
] as const) {
  test(`an error of status ${status} with a plugin's own code says whether to come back`, () => {
    const { headers } = errorAnswer("openai", { status, code: "of_a_plugin", message: "no" }, "id-1");
    const { "retry-after": after, "retry-after-ms": ms, "x-should-retry": should } = headers;
    assert.deepEqual(
      { after, ms },
      { after: retry["retry-after" as never], ms: retry["retry-after-ms" as never] },
    );
    assert.equal(should, status < 429 ? "false" : undefined);
  });
}

for (const surface of Object.keys(paths) as Surface[]) {
  test(`an error's message cannot end its event early: ${surface}`, () => {
    const event = errorEvent(surface, {
      status: 502,
      code: "upstream_reset",
      message: "a\n\ndata: [DONE]\n\nb",
    });
    assert.match(event, /^(event: error\n)?data: .*\n\n$/);
  });
}
