// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a placeholder of the config looks like one of a template
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { isMap, isScalar, isSeq, parseDocument } from "yaml";
import { loadConfig } from "#config/load.ts";
import type { GatewayConfig } from "#config/schema.ts";
import { interpolatedAt } from "#config/source.ts";
import { load, printed, temporaryFolder } from "./config-file.ts";

/** What one value of a plugin's config becomes. */
const value = (text: string) => `gateway: { use: [{ plugin: p, config: { value: ${text} } }] }\n`;

function boundValue(config: GatewayConfig): unknown {
  return Object.values(config.gateway.use?.[0]?.config ?? {})[0];
}

const becomes: readonly { text: string; env?: Record<string, string>; value: unknown }[] = [
  { text: "${A}", env: { A: "x" }, value: "x" },
  { text: '"${A}"', env: { A: "x" }, value: "x" },
  { text: "'${A} and ${B}'", env: { A: "x", B: "y" }, value: "x and y" },
  { text: "${A:-fallback}", value: "fallback" },
  { text: "${A:-}", value: "" },
  { text: "${A:-x}", env: { A: "" }, value: "x" },
  { text: "${A}", env: { A: "" }, value: "" },
  { text: "${A:-http://[::1]:80/, #x}", value: "http://[::1]:80/, #x" },
  { text: "${A:-a,b: c #d}", value: "a,b: c #d" },
  { text: "'$${A}'", env: { A: "x" }, value: "${A}" },
  { text: "'$${'", value: "${" },
  { text: "'$$ $A $'", env: { A: "x" }, value: "$$ $A $" },
  { text: "${A}", env: { A: "${B}", B: "x" }, value: "${B}" },
  { text: "${A}", env: { A: "a: [1, *x]\n- b" }, value: "a: [1, *x]\n- b" },
  { text: "${A}", env: { A: "8080" }, value: "8080" },
];

for (const { text, env = {}, value: expected } of becomes) {
  test(`${text} with ${JSON.stringify(env)} becomes ${JSON.stringify(expected)}`, async (t) => {
    const loaded = await load(t, value(text), env);
    assert.ok(loaded.ok, printed(loaded).join("\n"));
    assert.equal(boundValue(loaded.config), expected);
  });
}

const isProblem: readonly { text: string; env?: Record<string, string>; problem: string }[] = [
  { text: "${A}", problem: "the environment variable A is not set; ${A:-} makes it empty when it is not" },
  { text: "${constructor}", problem: "the environment variable constructor is not set" },
  { text: "'${A'", env: { A: "x" }, problem: "${ without its closing brace" },
  { text: "${A", env: { A: "x" }, problem: "${ without its closing brace; inside of brackets" },
  { text: "${}", problem: "${} is none of ${NAME}" },
  { text: "${A-B}", problem: "${A-B} is none of ${NAME}" },
  { text: "'${A:-${B}}'", env: { B: "x" }, problem: "the default of ${A} holds another ${" },
  { text: "${file:}", problem: "the file of a placeholder has no name" },
  { text: "${file:nope}", problem: "nope cannot be read: no such file" },
  { text: "${file:.}", problem: ". cannot be read: it is a folder" },
  { text: "${file:/dev/zero}", problem: "/dev/zero cannot be read: it is not a regular file" },
];

for (const { text, env = {}, problem } of isProblem) {
  test(`${text} with ${JSON.stringify(env)} is a problem with its place`, async (t) => {
    const lines = printed(await load(t, value(text), env));
    const place = /^gateway\.yaml:1:(\d+)( gateway\.use\.0\.config\.value)?: (.*)$/.exec(lines[0] ?? "");
    assert.ok(place, lines.join("\n"));
    assert.ok(place[3]?.startsWith(problem), place[0]);
    assert.ok(Number(place[1]) >= 47);
  });
}

test("a placeholder without a value is reported beside the other problems, and once", async (t) => {
  const yaml =
    "listen: { port: ${P} }\nlog: { level: lound }\nroutes: { a: { match: { paths: [/a] }, service: ${S} } }\n";
  const lines = printed(await load(t, yaml));
  assert.deepEqual(
    lines.map((line) => line.split(": ")[0]),
    ["gateway.yaml:1:17 listen.port", "gateway.yaml:2:8 log.level", "gateway.yaml:3:49 routes.a.service"],
  );
});

test("a placeholder gives a number or a boolean where the schema wants one, and text where it wants text", async (t) => {
  const yaml = [
    "listen: { port: ${PORT:-8080} }",
    "plugins: { watch: '${WATCH}' }",
    "gateway: { use: [{ plugin: p, priority: ${PRIORITY} }] }",
    "consumers: { a: { keys: [${KEY}] } }",
  ].join("\n");
  const loaded = await load(t, yaml, { WATCH: "false", PRIORITY: "2", KEY: "1234567890" });
  assert.ok(loaded.ok, printed(loaded).join("\n"));
  assert.equal(loaded.config.listen.port, 8080);
  assert.equal(loaded.config.plugins.watch, false);
  assert.equal(loaded.config.gateway.use?.[0]?.priority, 2);
  assert.deepEqual(Object.values(loaded.config.consumers), [{ keys: ["1234567890"] }]);
});

for (const port of ["*a", "&a", "[1]", "80x", "8080 # x", "", "1e999", "---", "!!int 1", "0x1f90 "]) {
  test(`a port of ${JSON.stringify(port)} is a problem`, async (t) => {
    const lines = printed(await load(t, "listen: { port: ${PORT} }", { PORT: port }));
    assert.deepEqual(lines, ["gateway.yaml:1:11 listen.port: must be a number, not text"]);
  });
}

test("a port from the environment that is out of range is told by its bound", async (t) => {
  const lines = printed(await load(t, "listen: { port: ${PORT} }", { PORT: "99999" }));
  assert.deepEqual(lines, ["gateway.yaml:1:11 listen.port: must be at most 65535"]);
});

test("keys are not interpolated", async (t) => {
  const lines = printed(await load(t, '"${A}": 1\n', { A: "log" }));
  assert.deepEqual(lines, ["gateway.yaml:1:1 ${A}: unknown key"]);
});

test("a file is read from the folder of the config, without its last line end, and is listed to be watched", async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, "gateway.yaml");
  await writeFile(join(folder, "secret"), "first\nsecond\r\n");
  await writeFile(file, value("${file:secret}"));
  const loaded = await loadConfig(file, { env: {} });
  assert.ok(loaded.ok);
  assert.equal(boundValue(loaded.config), "first\nsecond");
  assert.deepEqual(loaded.source.secretFiles, [join(folder, "secret")]);
});

test("a file that cannot be read is listed too: writing it may be the repair", async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, "gateway.yaml");
  await writeFile(file, value("${file:later}"));
  const loaded = await loadConfig(file, { env: {} });
  assert.equal(loaded.ok, false);
  assert.deepEqual(!loaded.ok && loaded.secretFiles, [join(folder, "later")]);
});

test("a pipe, a huge file and one that is not text are refused as secrets without waiting", async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, "gateway.yaml");
  execFileSync("mkfifo", [join(folder, "pipe")]);
  await writeFile(join(folder, "huge"), "");
  await truncate(join(folder, "huge"), 1024 ** 3);
  await writeFile(join(folder, "binary"), Uint8Array.of(0xff, 0xfe));
  await writeFile(file, value("'${file:pipe}${file:huge}${file:binary}'"));
  assert.deepEqual(
    printed(await loadConfig(file, { env: {} })).map((line) => line.replace(/^.*value: /, "")),
    [
      "pipe cannot be read: it is not a regular file",
      "huge cannot be read: it has 1073741824 bytes, the limit is 65536",
      "binary cannot be read: it is not UTF-8 text",
    ],
  );
});

test("a secret never shows in a problem, wherever in the config it stands", async (t) => {
  const text = await readFile(new URL("../../config/gateway.yaml", import.meta.url), "utf8");
  for (const secret of ["sk-live-0123456789", "opena", "x", "demo\u0007", "chat.match", "8080"]) {
    for (const place of scalarPlaces(text)) {
      const document = parseDocument(text);
      document.setIn(place, "${SECRET}");
      const loaded = await load(t, document.toString(), { SECRET: secret });
      if (loaded.ok) {
        assert.equal(interpolatedAt(loaded.source, place)?.written, "${SECRET}");
        continue;
      }
      for (const { message, hint } of loaded.problems) {
        const said = message.split(/[^\w.-]+/).concat(hint ?? []);
        assert.ok(!said.includes(secret), `${place.join(".")}: ${message}, ${hint}`);
        assert.equal(hint, undefined, `a hint tells what the secret resembles: ${message}`);
      }
    }
  }
});

function scalarPlaces(text: string): (string | number)[][] {
  const places: (string | number)[][] = [];
  const walk = (node: unknown, path: (string | number)[]): void => {
    if (isScalar(node)) places.push(path);
    if (isSeq(node))
      node.items.forEach((item, index) => {
        walk(item, [...path, index]);
      });
    if (isMap(node)) for (const { key, value: inner } of node.items) walk(inner, [...path, String(key)]);
  };
  walk(parseDocument(text).contents, []);
  return places;
}
