import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostCall, HostImport } from "#host/capabilities/capability.ts";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { functionTypeText, typeOfFunction } from "#host/sandbox/wasm/signatures.ts";
import { i64 } from "#host/sandbox/wasm/value-types.ts";
import { capabilityFunctions, capabilityNames, type FunctionShape } from "#sdk/abi/host-functions.ts";
import * as sdk from "#sdk/effects.ts";
import { textOf } from "#test/sandbox/fixture.ts";
import { compilePlugin } from "./assembly-script.ts";
import { openModule } from "./open-module.ts";

const source = `
import * as make from "@sandgate/plugin-sdk/assemblyscript/effects";
import { effects, fail, input } from "@sandgate/plugin-sdk/assemblyscript/hook";
import * as cache from "@sandgate/plugin-sdk/assemblyscript/cache";
import * as consumers from "@sandgate/plugin-sdk/assemblyscript/consumers";
import * as counters from "@sandgate/plugin-sdk/assemblyscript/counters";
import * as crypto from "@sandgate/plugin-sdk/assemblyscript/crypto";
import * as http from "@sandgate/plugin-sdk/assemblyscript/http";
import * as kv from "@sandgate/plugin-sdk/assemblyscript/kv";
import * as log from "@sandgate/plugin-sdk/assemblyscript/log";
import * as metrics from "@sandgate/plugin-sdk/assemblyscript/metrics";
import * as secrets from "@sandgate/plugin-sdk/assemblyscript/secrets";

let greeting = "";

export function configure(): i32 {
  greeting = input().get("greeting").string("none");
  return greeting == "refuse" ? fail("the greeting is refused") : 0;
}

export function pre_request(): i32 {
  greeting += "!";
  return effects([make.tag("greeting", greeting)]);
}

export function post_request(): i32 {
  return effects([
    make.setRequestHeader("x-a", "é \\"quoted\\" \\\\ 😀"),
    make.removeRequestHeader("x-a"),
    make.setResponseHeader("x-b", ""),
    make.removeResponseHeader("x-b"),
    make.setQuery("q", "1"),
    make.removeQuery("q"),
    make.setPath("/v2"),
    make.replaceRequestBody('{"a":[1]}'),
    make.replaceResponseBody("null"),
    make.patchRequestBody([make.addAt("/a/-", "1"), make.replaceAt("/b", '"c"'), make.removeAt("/d")]),
    make.patchResponseBody([]),
    make.respond(200, '{"ok":true}'),
    make.refuse(403, "No."),
    make.refuse(429, "Slow down.", "slow"),
    make.identify("alice"),
    make.tag("tier", "gold"),
    make.passEvent("keep"),
    make.replaceText("a \\"b\\""),
    make.replaceData('{"a":1}', "drop"),
    make.dropEvent(),
    make.holdEvent(),
    make.stopStream("No.", "no"),
    make.releaseHeld(1),
    make.releaseHeld(2, "a", "b", make.passEvent()),
  ]);
}

function shown(text: string | null): string {
  return text === null ? "null" : text;
}

export function asks(): i32 {
  kv.set("k", "v");
  kv.set("k", "v", 1000);
  kv.remove("k");
  cache.set("c", "w", 2000);
  cache.remove("c");
  metrics.count("hits");
  metrics.gauge("load", 0.5, '{"zone":"a"}');
  metrics.observe("size", 12);
  const answer = http.request('{"url":"https://example.com"}', Uint8Array.wrap(String.UTF8.encode("body")));
  const answers = http.requestAll(
    ['{"url":"https://a"}', '{"url":"https://b"}', '{"url":"https://c"}'],
    [new Uint8Array(0), Uint8Array.wrap(String.UTF8.encode("tü"))],
  );
  for (let i = 0; i < answers.length; i++) {
    log.info([answers[i].status.toString(), answers[i].error, answers[i].headers.get("x").string(), answers[i].text()].join("|"));
  }
  log.info([
    shown(kv.get("k")),
    shown(kv.get("none")),
    shown(cache.get("c")),
    shown(consumers.find("sk-1")),
    counters.get("n").toString(),
    counters.add("n").toString(),
    counters.add("n", -2, 3000).toString(),
    counters.take("n", 2, 5, 3000).toString(),
    crypto.hash("sha-256", "data"),
    crypto.hmac("sha-256", secrets.reference("key"), "data", "base64"),
    crypto.verify("HS256", "key", "signature", "data").toString(),
    crypto.equal("a", "b").toString(),
    answer.status.toString(),
    answer.headers.get("x-h").string(),
    answer.text(),
    answer.json().isNumber.toString(),
  ].join(" "));
  log.trace("t");
  log.debug("d");
  log.warn("w");
  log.error("e");
  return 0;
}

export function throws(): i32 {
  const list: i32[] = [];
  if (input().exists) throw new Error("it went wrong");
  return list[3];
}

export function refuses(): i32 {
  return fail("no: é");
}
`;

const wasm = await compilePlugin(source, {
  name: "pdk",
  capabilities: capabilityNames,
  hooks: { pre_request: { writes: ["tags"] }, post_request: {} },
});

/** Functions of the host that note how they are called, and answer from this table; what is not in it answers nothing. */
function recordingHost(answers: Readonly<Record<string, string | bigint>>) {
  const calls: string[] = [];
  const entries = Object.values(capabilityFunctions)
    .flatMap((functions) => Object.entries(functions))
    .concat(Object.entries(http))
    .map(([name, { params, result }]): [string, HostImport] => [
      `extism:host/${name in http ? "env" : "user"}.${name}`,
      {
        params: params.length,
        result: result !== null,
        suspends: false,
        run(call: HostCall, ...given: bigint[]) {
          const shown = given.map((value, at) =>
            params[at] === "block" ? call.readText(value) : `${value}`,
          );
          calls.push(`${name}(${shown.join(", ")})`);
          const answer = answers[calls.at(-1) ?? ""] ?? answers[name];
          return typeof answer === "string" ? call.write(answer) : (answer ?? 0n);
        },
      },
    ]);
  return { calls, imports: Object.fromEntries(entries) };
}

const http = {
  http_request: { params: ["block", "block"], result: "block" },
  http_status_code: { params: [], result: "number" },
  http_headers: { params: [], result: "block" },
} as const;

test("every function of every capability is there, with the types of the contract", () => {
  const module = decodeModule(wasm);
  const imported = module.imports.flatMap(({ module: from, name }, index) =>
    from === "extism:host/user" ? [[name, functionTypeText(typeOfFunction(module, index))]] : [],
  );
  const wanted = Object.values(capabilityFunctions)
    .flatMap((functions): [string, FunctionShape][] => Object.entries(functions))
    .map(([name, { params, result }]) => {
      const type = { params: params.map(() => i64), results: result === null ? [] : [i64] };
      return [name, functionTypeText(type)];
    });
  assert.deepEqual(imported.sort(), wanted.sort());
});

test("host functions get what the plugin gives, and their answers come back", async (t) => {
  const { calls, imports } = recordingHost({
    "kv_get(k)": "v é",
    cache_get: "w",
    consumers_find: "alice",
    counters_get: 41n,
    "counters_add(n, 1, 0)": 42n,
    "counters_add(n, -2, 3000)": -40n,
    "counters_take(n, 2, 5, 3000)": -1n,
    crypto_hash: "digest",
    crypto_hmac: "mac",
    crypto_verify: 1n,
    http_request: "12",
    http_status_code: 201n,
    http_headers: '{"x-h":"of the answer"}',
    http_request_all:
      '[{"status":200,"headers":{"x":"y"},"bodyBytes":3},{"error":"timeout"},{"status":204,"headers":{},"bodyBytes":2}]\nü\nok',
  });
  const { call, log } = await openModule(t, wasm, { imports });
  const result = await call("asks");
  assert.equal(result.outcome, "ok", result.error ?? "");
  assert.deepEqual(log, [
    "info: 200||y|ü\\n",
    "info: 0|timeout||",
    "info: 204|||ok",
    "info: v é null w alice 41 42 -40 -1 digest mac true false 201 of the answer 12 true",
    "trace: t",
    "debug: d",
    "warn: w",
    "error: e",
  ]);
  assert.deepEqual(calls.slice(0, 9), [
    "kv_set(k, v, 0)",
    "kv_set(k, v, 1000)",
    "kv_delete(k)",
    "cache_set(c, w, 2000)",
    "cache_delete(c)",
    'metrics_record({"type":"counter","name":"hits","value":1.0,"labels":{}})',
    'metrics_record({"type":"gauge","name":"load","value":0.5,"labels":{"zone":"a"}})',
    'metrics_record({"type":"histogram","name":"size","value":12.0,"labels":{}})',
    'http_request({"url":"https://example.com"}, body)',
  ]);
  for (const asked of [
    "crypto_hash(sha-256, data, hex)",
    "crypto_hmac(sha-256, {{secret:key}}, data, base64)",
    "crypto_verify(HS256, key, signature, data)",
    "crypto_equal(a, b)",
    'http_request_all([{"url":"https://a","bodyBytes":0},{"url":"https://b","bodyBytes":3},{"url":"https://c","bodyBytes":0}], tü)',
    "consumers_find(sk-1)",
  ]) {
    assert.ok(calls.includes(asked), `${asked} in ${calls.join("\n")}`);
  }
});

test("each effect is the one that the TypeScript SDK makes", async (t) => {
  const { call } = await openModule(t, wasm, { imports: recordingHost({}).imports });
  const { effects } = JSON.parse(textOf(await call("post_request")));
  assert.deepEqual(effects, [
    sdk.setRequestHeader("x-a", 'é "quoted" \\ 😀'),
    sdk.removeRequestHeader("x-a"),
    sdk.setResponseHeader("x-b", ""),
    sdk.removeResponseHeader("x-b"),
    sdk.setQuery("q", "1"),
    sdk.removeQuery("q"),
    sdk.setPath("/v2"),
    sdk.replaceRequestBody({ a: [1] }),
    sdk.replaceResponseBody(null),
    sdk.patchRequestBody(
      { op: "add", path: "/a/-", value: 1 },
      { op: "replace", path: "/b", value: "c" },
      { op: "remove", path: "/d" },
    ),
    sdk.patchResponseBody(),
    sdk.respond(200, { body: { ok: true } }),
    sdk.refuse(403, "No."),
    sdk.refuse(429, "Slow down.", "slow"),
    sdk.identify("alice"),
    sdk.tag("tier", "gold"),
    sdk.passEvent("keep"),
    sdk.replaceText('a "b"'),
    sdk.replaceData({ a: 1 }, "drop"),
    sdk.dropEvent(),
    sdk.holdEvent(),
    sdk.stopStream("No.", "no"),
    sdk.releaseHeld(1),
    sdk.releaseHeld(2, { text: "a", rest: "b", decision: sdk.passEvent() }),
  ]);
});

test("every call starts with what configure left", async (t) => {
  const { imports } = recordingHost({});
  const { call } = await openModule(t, wasm, { imports, config: { greeting: "Hello" } });
  for (let calls = 0; calls < 3; calls++) {
    const [effect] = JSON.parse(textOf(await call("pre_request"))).effects;
    assert.equal(effect.value, "Hello!");
  }
});

test("configure can refuse a config", async (t) => {
  const { imports } = recordingHost({});
  await assert.rejects(
    openModule(t, wasm, { imports, config: { greeting: "refuse" } }),
    /the greeting is refused/,
  );
});

test("a call that fails says why", async (t) => {
  const { call } = await openModule(t, wasm, { imports: recordingHost({}).imports });
  const { outcome, error } = await call("refuses");
  assert.deepEqual([outcome, error], ["error", "no: é"]);
});

test("what throws is a trap, and the log says where", async (t) => {
  const { call, log } = await openModule(t, wasm, { imports: recordingHost({}).imports });
  assert.equal((await call("throws", "{}")).outcome, "trap");
  assert.match(log[0] ?? "", /^error: it went wrong \(assembly\/index\.ts:\d+:\d+\)$/);
  assert.equal((await call("throws")).outcome, "trap");
  assert.match(log[1] ?? "", /^error: Index out of range \(~lib\/array\.ts:\d+:\d+\)$/);
});
