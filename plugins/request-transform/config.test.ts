import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type OpenOptions, openPlugin, PluginRefused, StepFailure } from "@sandgate/plugin-sdk/testing";
import { applyEffects } from "#host/pipeline/effects.ts";
import { requestHeaders } from "#host/upstream/forward-headers.ts";
import { exchangeOf } from "#test/pipeline/exchange.ts";

const file = join(import.meta.dirname, "../request-transform.wasm");

type Config = NonNullable<OpenOptions["config"]>;

const headers = (rules: Config): Config => ({ request: { headers: rules } });
const body = (rules: Config): Config => ({ request: { body: rules } });
const refuses = 'config: the plugin "request-transform" refuses this config: ';

const refused: readonly (readonly [Config, string | RegExp])[] = [
  [{ requests: {} }, 'config.requests: unknown key, did you mean "request"?'],
  [{ request: { header: {} } }, 'config.request.header: unknown key, did you mean "headers"?'],
  [{ response: { body: {} } }, "config.response.body: unknown key"],
  [{ constructor: {} }, "config.constructor: unknown key"],
  [headers({ set: { "x-n": 1 } }), "config.request.headers.set.x-n: must be string"],
  [headers({ remove: "x-n" }), "config.request.headers.remove: must be array"],
  [body({ set: ["/a"] }), "config.request.body.set: must be object"],
  [headers({ set: { "x y": "" } }), `${refuses}request.headers.set: "x y" is no header name`],
  [headers({ remove: [""] }), `${refuses}request.headers.remove: "" is no header name`],
  [headers({ add: { h\u00e9: "" } }), `${refuses}request.headers.add: "h\u00e9" is no header name`],
  [
    headers({ set: { "x-a": "1\r\nx-b: 2" } }),
    `${refuses}request.headers.set: the value of x-a has characters that no header may have`,
  ],
  [
    headers({ set: { "x-a": "\u{1f600}" } }),
    `${refuses}request.headers.set: the value of x-a has characters that no header may have`,
  ],
  [
    headers({ default: { "x-a": "x".repeat(10_000) } }),
    `${refuses}request.headers.default: the value of x-a is longer than 8192 characters`,
  ],
  [
    headers({ set: { Authorization: "Bearer x" } }),
    `${refuses}request.headers.set: authorization never reaches an upstream; its credential is the \`key\` of the target`,
  ],
  [headers({ set: { Host: "x" } }), `${refuses}request.headers.set: host never reaches an upstream`],
  [
    headers({ default: { "X-Forwarded-For": "x" } }),
    `${refuses}request.headers.default: x-forwarded-for never reaches an upstream`,
  ],
  [
    { response: { headers: { add: { "Set-Cookie": "a=b" } } } },
    `${refuses}response.headers.add: two cookies do not fit one set-cookie header; use set`,
  ],
  [
    headers({ set: { "X-A": "1" }, add: { "x-a": "2" } }),
    `${refuses}request.headers.add: "x-a" stands in set and in add; a header has one rule`,
  ],
  [
    headers({ set: { "X-A": "1", "x-a": "2" } }),
    `${refuses}request.headers.set: "x-a" stands in set and in set; a header has one rule`,
  ],
  [
    body({ set: { temperature: 0 } }),
    `${refuses}request.body.set: "temperature" is no JSON Pointer; it starts with "/", as in "/temperature"`,
  ],
  [
    body({ set: { "": {} } }),
    `${refuses}request.body.set: "" is the whole body; name a member, as in "/temperature"`,
  ],
  [
    body({ remove: ["/a~b"] }),
    `${refuses}request.body.remove: "/a~b" is no JSON Pointer; write "~0" for "~" and "~1" for a "/" inside of a name`,
  ],
  [
    body({ default: { [`/${"a/".repeat(40)}`]: 1 } }),
    `${refuses}request.body.default: a pointer has 41 levels, the limit is 32`,
  ],
  [
    body({ set: { "/a": 1 }, default: { "/a": 2 } }),
    `${refuses}request.body: "/a" stands in set and in default; a member has one rule`,
  ],
  [
    { request: { headers: { remove: ["te"] }, body: { remove: ["user"] } } },
    `${refuses}request.headers.remove: te is set by the gateway alone; request.body.remove: "user" is no JSON Pointer; it starts with "/", as in "/user"`,
  ],
  [
    body({ remove: Array.from({ length: 101 }, (_, index) => `/${index}`) }),
    "config.request.body.remove: must NOT have more than 100 items",
  ],
];

for (const [config, problem] of refused) {
  test(`refused: ${JSON.stringify(config).slice(0, 100)}`, async () => {
    await assert.rejects(openPlugin(file, { config }), (thrown) => {
      assert.ok(thrown instanceof PluginRefused);
      if (typeof problem === "string") assert.equal(thrown.message, problem);
      else assert.match(thrown.message, problem);
      return true;
    });
  });
}

const hosts = [
  "connection",
  "content-length",
  "date",
  "host",
  "te",
  "transfer-encoding",
  "upgrade",
  "x-request-id",
];
const clients = [
  "authorization",
  "x-api-key",
  "api-key",
  "cookie",
  "x-forwarded-for",
  "x-real-ip",
  "via",
  "accept-encoding",
];
const anybodys = [
  "accept",
  "anthropic-beta",
  "content-type",
  "if",
  "openai-organization",
  "user-agent",
  "x-forwarded",
  "x-team",
];

for (const name of [...hosts, ...clients, ...anybodys]) {
  test(`a rule about ${name} is refused exactly where it could have no effect`, async () => {
    const effect = (on: "request" | "response") => ({ type: "set-header", on, name, value: "v" }) as const;
    const applies = (on: "request" | "response") => {
      const exchange = exchangeOf({ response: {} });
      try {
        applyEffects([effect(on)], exchange);
      } catch (thrown) {
        assert.ok(thrown instanceof StepFailure);
        return false;
      }
      return on === "response" || requestHeaders(exchange.request.headers)[name] === "v";
    };
    for (const side of ["request", "response"] as const) {
      const config = { [side]: { headers: { set: { [name]: "v" } } } };
      const taken = await openPlugin(file, { config }).then(
        ({ close }) => close().then(() => true),
        (thrown) => {
          assert.ok(thrown instanceof PluginRefused);
          return false;
        },
      );
      assert.equal(taken, applies(side), side);
    }
  });
}
