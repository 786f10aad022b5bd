import assert from "node:assert/strict";
import { test } from "node:test";
import { checkTypes } from "#sdk/compile/check-types.ts";
import { writeSources } from "./source-plugin.ts";

/** The codes of what the type checker says about a plugin with this definition, by line. */
async function problemsOf(t: Parameters<typeof writeSources>[0], definition: string) {
  const source = `import { definePlugin } from "@sandgate/plugin-sdk";
import * as effect from "@sandgate/plugin-sdk/effects";
const is = <T>(_value: T) => {};
void [effect, is];
export default definePlugin({ name: "made", version: "1.0.0",
${definition}
});`;
  const folder = await writeSources(t, source);
  const problems = await checkTypes(`${folder}/plugin.ts`);
  return problems.map(({ line, text }) => `${line - 5} ${/^TS\d+/.exec(text)?.[0]}`);
}

test("a handler's input has what its reads name, and nothing else", async (t) => {
  const found = await problemsOf(
    t,
    `hooks: {
       pre_request: { reads: ["request.method", "request.headers.x-team", "request.body#/a/b", "request.body#/model", "context.tags"] },
       post_request: { reads: ["response", "request.headers", "error", "context.service"] },
       error: { reads: ["error", "response.headers.x-y"] },
     },
     preRequest({ stage, request, context }) {
       is<"pre-request">(stage);
       is<string>(request.method);
       is<string | undefined>(request.headers["x-team"]);
       is<unknown>([request.body?.a?.b, request.body?.model]);
       is<{ readonly [name: string]: string }>(context.tags);
       request.path;
       request.headers["x-other"];
       request.body.a;
       context.route;
     },
     postRequest({ request, response, error, context }) {
       is<number>(response.status);
       is<string | undefined>(request.headers["anything"]);
       is<string | undefined>(context.service);
       is<number | undefined>(response.usage?.inputTokens);
       is<string | undefined>(error?.code);
       error.code;
     },
     error({ error, response }) {
       is<string>(error.code);
       is<string | undefined>(response.headers["x-y"]);
       response.status;
     },`,
  );
  assert.deepEqual(found, ["12 TS2339", "13 TS7053", "14 TS18048", "15 TS2339", "23 TS18048", "28 TS2339"]);
});

test("the input of a handler without a hook, a capability that there is not and a config member that there is not are errors", async (t) => {
  const found = await problemsOf(
    t,
    `hooks: { pre_request: {} },
     configSchema: { type: "object", properties: { max: { type: "integer", default: 3 }, word: { type: "string" } } },
     capabilities: ["kv", "files"],
     preRequest(input, host) {
       is<"pre-request">(input.stage);
       is<number>(host.config.max);
       is<string | undefined>(host.config.word);
       host.config.min;
       return [effect.tag("a", "b"), effect.refuse(400, "no")];
     },
     postRequest({ response }) { is<number>(response.status); },`,
  );
  assert.deepEqual(found, ["3 TS2322", "8 TS2339", "11 TS2339"]);
});

test("a handler without parameters, or one that waits, returns effects as they are written", async (t) => {
  const found = await problemsOf(
    t,
    `hooks: { pre_request: {}, post_request: {}, error: {} },
     preRequest() { return { type: "tag", name: "t", value: "x" }; },
     postRequest: () => [{ type: "set-header", on: "response", name: "a", value: "b" }],
     async error() { return { type: "respond", status: 500 }; },`,
  );
  assert.deepEqual(found, []);
});

test("an effect that there is not is an error, and builders make those that there are", async (t) => {
  const found = await problemsOf(
    t,
    `hooks: { pre_request: { reads: ["request.body"], writes: ["request.body"] } },
     preRequest({ request }) {
       is<unknown>(request.body);
       effect.setRequestHeader("a", 1);
       effect.patchRequestBody({ op: "add", path: "/a" });
       return [
         effect.setRequestHeader("a", "b"), effect.removeResponseHeader("c"), effect.setPath("/v1"),
         effect.patchRequestBody({ op: "add", path: "/a", value: 1 }, { op: "remove", path: "/b" }),
         effect.respond(200, { body: { a: [null] } }), effect.identify("alice"), effect.setQuery("q", "1"),
       ];
     },`,
  );
  assert.deepEqual(found, ["4 TS2345", "5 TS2345"]);
});

test("a decision about a part of what is held has its texts and what becomes of the rest", async (t) => {
  const found = await problemsOf(
    t,
    `hooks: { post_request_event: { reads: ["event"], writes: ["event"] } },
     postRequestEvent({ event }) {
       const { length } = event.held;
       if (length > 3) return effect.releaseHeld("3");
       if (length > 2) return effect.releaseHeld(1, { text: 2 });
       if (length > 1) return effect.releaseHeld(1, { decision: effect.tag("a", "b") });
       if (event.last) return effect.releaseHeld(length, { text: "a", rest: "b", decision: effect.passEvent("drop") });
       return { type: "event", action: "hold", release: { count: 1, text: "a" } };
     },`,
  );
  assert.deepEqual(found, ["4 TS2345", "5 TS2322", "6 TS2741"]);
});
