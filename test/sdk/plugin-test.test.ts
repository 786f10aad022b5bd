import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { runCommand } from "../cli/command.ts";
import { type BuiltPlugins, buildPlugins, calling, runFixtures, small } from "./fixture-folder.ts";

let built: BuiltPlugins;
before(async () => {
  built = await buildPlugins();
});
after(() => built?.remove());

test("the bundled plugins do what their fixtures say", async () => {
  const cwd = join(import.meta.dirname, "../..");
  const { code, stdout, stderr } = await runCommand(["plugin", "test", "plugins"], { cwd });
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^\d+ passed$/m);
});

test("each fixture is a line with its cost, and the members of effects are in any order", async (t) => {
  const wasm = await built.withFixtures(t, "doing", {
    2: calling("patch", { expect: { effects: [Object.fromEntries(Object.entries(small).reverse())] } }),
    10: calling("throw", { expect: { outcome: "error", error: "thrown on purpose" } }),
    1: calling("loop", { expect: { outcome: "fuel" } }),
  });
  const { code, stdout, stderr } = await runFixtures(wasm);
  assert.deepEqual([code, stderr], [0, ""]);
  const [title, ...lines] = stdout.trimEnd().split("\n");
  assert.deepEqual([title, lines.pop()], ["doing", "3 passed"]);
  for (const [index, name] of ["1 ", "2 ", "10"].entries()) {
    assert.match(lines[index] ?? "", new RegExp(`^  ok    ${name}  fuel +\\d+  +\\d+ us  \\d+ pages$`));
  }
});

test("a fixture that fails shows what differs, and what the plugin logged", async (t) => {
  const wrong = { ...small, patch: [{ op: "add", path: "/model", value: "large" }] };
  const wasm = await built.withFixtures(t, "doing", {
    fine: calling("patch", { expect: { effects: [small] } }),
    other: calling("patch", { expect: { effects: [wrong] } }),
    quiet: calling("say search", { expect: { effects: [small] } }),
  });
  const { code, stdout } = await runFixtures(wasm);
  assert.equal(code, 1);
  assert.match(stdout, /^ {2}FAIL {2}other .*\n {8}- expected {2}\+ actual\n/m);
  assert.match(stdout, /^ {8}- +"value": "large"\n {8}\+ +"value": "small"$/m);
  assert.match(stdout, /^ {8}warn: said \{"team":"search"\}$/m);
  assert.match(stdout, /\n1 passed, 2 failed\n$/);
});

test("calls of one fixture share what the plugin keeps, by a clock of their own", async (t) => {
  const call = (now: string, tags: Readonly<Record<string, string>>) => ({
    hook: "pre_request",
    input: { stage: "pre-request", request: { path: "/a" } },
    now,
    expect: {
      effects: Object.entries(tags).map(([name, value]) => ({ type: "tag", name, value })),
    },
  });
  const calls = [
    call("2030-01-01T00:00:00Z", { count: "1", before: "never", cached: "none" }),
    call("2030-01-01T00:00:59Z", { count: "2", before: "1893456000000", cached: "some" }),
    call("2030-01-01T00:02:00Z", { count: "1", before: "never", cached: "none" }),
  ];
  const grants = { kv: true, counters: true, cache: true };
  const wasm = await built.withFixtures(t, "counting", {
    minute: { grants, calls },
    ungranted: calls[0] ?? {},
  });
  const { code, stdout } = await runFixtures(wasm);
  assert.equal(code, 1);
  assert.deepEqual(stdout.match(/ok +minute \(\d\)/g)?.length, 3);
  assert.match(stdout, /FAIL {2}ungranted\n.*needs grants\.kv: true and grants\.counters: true/);
});

test("http is what the fixture lists, in its order, with references for secrets", async (t) => {
  const url = "https://api.example.com/";
  const around = {
    grants: { http: ["api.example.com"], secrets: ["token"] },
    secrets: { token: "s3cret-token" },
  };
  const request = {
    method: "POST",
    url,
    headers: { Authorization: "Bearer {{secret:token}}" },
    body: { ask: 1 },
  };
  const response = { status: 200, body: { ok: true } };
  const tag = (value: string) => ({ effects: [{ type: "tag", name: "answer", value }] });
  const good = tag('200 application/json {"ok":true}');
  const wasm = await built.withFixtures(t, "doing", {
    good: calling(`send ${url}`, { ...around, http: [{ request, response }], expect: good }),
    down: calling(`send ${url}`, { ...around, http: [{ response: { error: "down" } }], expect: tag("0  ") }),
    wrong: calling(`send ${url}`, {
      ...around,
      http: [{ request: { ...request, body: { ask: 2 } }, response }],
      expect: good,
    }),
    more: calling(`send ${url}`, { ...around, expect: tag("0  ") }),
    less: calling("patch", { ...around, http: [{ request, response }], expect: { effects: [small] } }),
  });
  const { code, stdout } = await runFixtures(wasm);
  assert.equal(code, 1);
  assert.deepEqual(stdout.match(/ok +(good|down)/g)?.length, 2);
  assert.match(stdout, /http\.0\.request\.body is \{"ask":2\}, and \{"ask":1\} is sent/);
  assert.match(
    stdout,
    /POST https:\/\/api\.example\.com\/ is sent, and the fixture's http has no answer for it/,
  );
  assert.match(stdout, /http\.0 was never sent/);
  assert.doesNotMatch(stdout, /s3cret/);
});

test("--update writes effects, and nothing else", async (t) => {
  const failing = calling("throw", { expect: { effects: [] } });
  const expected = calling("patch", { expect: { outcome: "error" } });
  const dear = calling("patch", { maxFuel: 1 });
  const wasm = await built.withFixtures(t, "doing", {
    new: calling("patch", { note: "kept" }),
    old: {
      calls: [calling("patch", { expect: { effects: [] } }), calling("x", { expect: { effects: [] } })],
    },
    failing,
    expected,
    dear,
  });
  const read = async (name: string) =>
    JSON.parse(await readFile(join(dirname(wasm), "fixtures", `${name}.json`), "utf8"));
  const { code, stdout } = await runFixtures(wasm, "--update");
  assert.equal(code, 1);
  assert.match(stdout, /\n2 passed, 3 failed, 2 written\n$/);
  assert.deepEqual(await read("new"), calling("patch", { note: "kept", expect: { effects: [small] } }));
  const { calls } = await read("old");
  assert.deepEqual(calls[0].expect, { effects: [small] });
  assert.deepEqual(calls[1].expect, { effects: [] });
  assert.deepEqual(
    [await read("failing"), await read("expected"), await read("dear")],
    [failing, expected, dear],
  );
  assert.match((await runFixtures(wasm)).stdout, /\n2 passed, 3 failed\n$/);
});

test("--filter runs those with the text in their name, and none is a failure", async (t) => {
  const fixture = calling("patch", { expect: { effects: [small] } });
  const wasm = await built.withFixtures(t, "doing", { "one-a": fixture, "two-a": fixture, "two-b": fixture });
  assert.match((await runFixtures(wasm, "--filter", "two")).stdout, /\n2 passed\n$/);
  const none = await runFixtures(wasm, "--filter", "three");
  assert.deepEqual([none.code, none.stderr], [1, 'doing.wasm: no fixture has "three" in its name\n']);
});

test("--json prints a line of JSON for each call, and for each file that is none", async (t) => {
  const wasm = await built.withFixtures(t, "doing", {
    a: calling("patch", { expect: { effects: [] } }),
    b: "{",
  });
  const { code, stdout } = await runFixtures(wasm, "--json");
  assert.equal(code, 1);
  const [first, second] = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const { fuel, durationUs, memoryPages, ...rest } = first;
  assert.ok(fuel > 0 && durationUs > 0 && memoryPages > 0);
  assert.deepEqual(rest, {
    plugin: "doing",
    file: "fixtures/a.json",
    name: "a",
    ok: false,
    updated: false,
    expected: { effects: [] },
    actual: { effects: [small] },
    problems: [],
  });
  assert.deepEqual([second.name, second.ok], ["b", false]);
});

test("no fixture at all is a failure, with one to begin with", async (t) => {
  const { code, stderr } = await runFixtures(await built.withFixtures(t, "doing", {}));
  assert.equal(code, 1);
  const [, json = ""] =
    /^fixtures: there are no fixtures; write one, as first\.json: (\{.*\}), and let --update/.exec(stderr) ??
    [];
  assert.deepEqual(JSON.parse(json), { hook: "pre_request", input: { stage: "pre-request" } });
});
