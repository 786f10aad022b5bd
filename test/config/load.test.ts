// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a placeholder of the config looks like one of a template
import assert from "node:assert/strict";
import { readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { configLimits } from "#config/limits.ts";
import { loadConfig } from "#config/load.ts";
import { load, printed, temporaryFolder } from "./config-file.ts";

const sample = fileURLToPath(new URL("../../config/gateway.yaml", import.meta.url));

type Case = {
  readonly name: string;
  readonly yaml: string | Uint8Array;
  readonly problems: readonly string[];
};

const refused: readonly Case[] = [
  {
    name: "an unknown key, with the key that was meant",
    yaml: "listen:\n  prot: 1\n",
    problems: ['gateway.yaml:2:3 listen.prot: unknown key, did you mean "port"?'],
  },
  {
    name: "every problem at once, in the order of the file",
    yaml: [
      "listn: 1",
      "gateway:",
      "  use:",
      "    - plugin: a",
      "      mode: seqential",
      "    - 3",
      "services:",
      "  a: { provider: opena }",
      "  b: {}",
      "routes: []",
      "log:",
      "limits: { requestTimeout: 5 min, bodyMb: 0 }",
    ].join("\n"),
    problems: [
      'gateway.yaml:1:1 listn: unknown key, did you mean "listen"?',
      'gateway.yaml:5:7 gateway.use.0.mode: must be one of "sequential", "parallel", did you mean "sequential"?',
      "gateway.yaml:6:7 gateway.use.1: must be a map, not a number",
      'gateway.yaml:8:8 services.a.provider: must be one of "openai", "mock", did you mean "openai"?',
      'gateway.yaml:9:3 services.b.provider: is missing; one of "openai", "mock"',
      "gateway.yaml:10:1 routes: must be a map, not a list",
      "gateway.yaml:11:1 log: must be a map, and nothing is here",
      "gateway.yaml:12:11 limits.requestTimeout: must be a whole number with a unit: 250ms, 30s, 5m, 1h",
      "gateway.yaml:12:34 limits.bodyMb: must be more than 0",
    ],
  },
  {
    name: "a number where text is wanted",
    yaml: "consumers: { a: { keys: [12345678] } }",
    problems: ["gateway.yaml:1:26 consumers.a.keys.0: must be text, not a number: put it in quotes"],
  },
  {
    name: "a name that is none",
    yaml: "services: { 'bad name': { provider: mock } }",
    problems: [
      "gateway.yaml:1:13 services.bad name: not a name: must be 1 to 63 letters, digits, dots, dashes and underscores, the first a letter or digit",
    ],
  },
  {
    name: "an upstream that is no URL of the web, without repeating it",
    yaml: "services: { a: { provider: openai, targets: [{ url: 'ftp://me:secret@x' }] } }",
    problems: ["gateway.yaml:1:48 services.a.targets.0.url: must be an http or https URL"],
  },
  {
    name: "a URL of an upstream with a credential or a query, which log and plugins would show, without repeating it",
    yaml: "services: { a: { provider: openai, targets: [{ url: 'https://me:secret@x/v1' }, { url: 'https://x/v1?key=secret' }] } }",
    problems: [
      "gateway.yaml:1:48 services.a.targets.0.url: must have no user, query or fragment: a credential is the `key` of the target",
      "gateway.yaml:1:83 services.a.targets.1.url: must have no user, query or fragment: a credential is the `key` of the target",
    ],
  },
  {
    name: "a time that no timer can be set for, because it would end at once",
    yaml: "limits: { requestTimeout: 597h }\ngateway: { use: [{ plugin: a, limits: { deadlineMs: 2147483648 } }] }",
    problems: [
      "gateway.yaml:1:11 limits.requestTimeout: must be at most 596h",
      "gateway.yaml:2:41 gateway.use.0.limits.deadlineMs: must be at most 2147483647",
    ],
  },
  {
    name: "a key that stands twice",
    yaml: "log: { level: info }\nlog: { level: warn }\n",
    problems: ["gateway.yaml:2:1 log: the same key stands above"],
  },
  {
    name: "__proto__ at any depth",
    yaml: "services:\n  __proto__: { provider: mock }\ngateway: { use: [{ plugin: a, config: { x: { __proto__: { y: 1 } } } }] }\n",
    problems: [
      "gateway.yaml:2:3 services.__proto__: is no key; choose another name",
      "gateway.yaml:3:46 gateway.use.0.config.x.__proto__: is no key; choose another name",
    ],
  },
  {
    name: "a merge key",
    yaml: "log: &l { level: info }\nlisten: { <<: *l }\n",
    problems: [
      "gateway.yaml:2:11 listen.<<: merge keys are not supported: repeat the keys, or bind at a more general level",
    ],
  },
  {
    name: "an alias without an anchor, and one inside of its own",
    yaml: "gateway: *nowhere\nroutes: &r { a: *r }\n",
    problems: [
      "gateway.yaml:1:10 gateway: no &nowhere above",
      "gateway.yaml:2:17 routes.a: *r stands inside of what it repeats",
    ],
  },
  {
    name: "a tab as indentation",
    yaml: "listen:\n\tport: 1\n",
    problems: ["gateway.yaml:2:1: a tab as indentation; YAML wants spaces"],
  },
  {
    name: "a second document",
    yaml: "log: { level: info }\n---\nlog: { level: warn }\n",
    problems: ["gateway.yaml:2:1: a second document starts here; the file must hold one"],
  },
  {
    name: "YAML 1.1, where `no` is a boolean",
    yaml: "%YAML 1.1\n---\nlog: { level: no }\n",
    problems: ["gateway.yaml:1:1: YAML 1.1 is not supported: remove the %YAML line"],
  },
  { name: "an unknown tag", yaml: "log: !env LEVEL\n", problems: ["gateway.yaml:1:6: unresolved tag: !env"] },
  {
    name: "a key that is a list",
    yaml: "? [a]\n: 1\n",
    problems: ["gateway.yaml:1:3: a key must be plain text"],
  },
  {
    name: "a number that is none",
    yaml: "gateway: { use: [{ plugin: a, config: { x: .inf } }] }",
    problems: ["gateway.yaml:1:44 gateway.use.0.config.x: must be a finite number"],
  },
  { name: "an empty file", yaml: "", problems: ["gateway.yaml:1:1: the file is empty"] },
  {
    name: "a file of comments",
    yaml: "# nothing\n",
    problems: ["gateway.yaml:1:1: must be a map, and nothing is here"],
  },
  { name: "a file that is one word", yaml: "hello", problems: ["gateway.yaml:1:1: must be a map, not text"] },

  {
    name: "a file that is not UTF-8",
    yaml: Uint8Array.of(0x61, 0x3a, 0xff, 0xfe),
    problems: ["gateway.yaml:1:1: cannot be read: it is not UTF-8 text"],
  },
  {
    name: "brackets without end",
    yaml: "[".repeat(20_000),
    problems: ["gateway.yaml:1:"],
  },
  {
    name: "nesting past the limit",
    yaml: `gateway: ${"[".repeat(80)}${"]".repeat(80)}`,
    problems: ["gateway.yaml:1:74: nested deeper than 64 levels"],
  },
];

for (const { name, yaml, problems } of refused) {
  test(`refused: ${name}`, async (t) => {
    const lines = printed(await load(t, yaml));
    assert.equal(lines.length, problems.length, lines.join("\n"));
    for (const [index, problem] of problems.entries()) {
      assert.ok(lines[index]?.startsWith(problem), `${lines[index]}\ndoes not start with\n${problem}`);
    }
  });
}

test("an alias bomb is counted, not expanded", async (t) => {
  const letters = [..."abcdefghij"];
  const lines = letters.map((name, index) => {
    const before = letters[index - 1];
    const item = before === undefined ? "x" : `*${before}`;
    return `${name}: &${name} [${Array.from({ length: 9 }, () => item).join(", ")}]`;
  });
  const [problem] = printed(await load(t, lines.join("\n")));
  assert.match(problem ?? "", /values with all aliases expanded, the limit is 200000/);
});

test("aliases that nest past the depth limit are refused", async (t) => {
  const lines = Array.from({ length: 40 }, (_, index) =>
    index === 0 ? "k0: &a0 [[x]]" : `k${index}: &a${index} [[*a${index - 1}]]`,
  );
  const problems = printed(await load(t, lines.join("\n")));
  assert.match(problems[0] ?? "", /nested deeper than 64 levels/);
});

test("a list that is written once and used often is no bomb", async (t) => {
  const routes = Array.from(
    { length: 300 },
    (_, index) => `  r${index}: { match: { paths: [/r${index}] }, service: demo, use: *limits }`,
  );
  const yaml = [
    "gateway: { use: &limits [{ plugin: rate-limit, config: { requests: 1 } }] }",
    "services: { demo: { provider: mock } }",
    "routes:",
    ...routes,
  ].join("\n");
  const loaded = await load(t, yaml);
  assert.ok(loaded.ok, printed(loaded).join("\n"));
  assert.equal(Object.values(loaded.config.routes)[299]?.use?.[0]?.plugin, "rate-limit");
});

test("100,000 unknown keys take seconds, not minutes, and the list of problems ends", async (t) => {
  const keys = Array.from({ length: 100_000 }, (_, index) => `key${index}: 1`).join("\n");
  const startedMs = performance.now();
  const problems = printed(await load(t, keys));
  assert.ok(performance.now() - startedMs < 10_000);
  assert.equal(problems.length, configLimits.problems + 1);
  assert.match(problems.at(-1) ?? "", /99900 more problems$/);
});

test("a list of 150,000 entries is no stack overflow", async (t) => {
  const list = Array.from({ length: 150_000 }, () => "1").join(",");
  const loaded = await load(t, `gateway: { use: [{ plugin: p, config: { list: [${list}] } }] }`);
  assert.ok(loaded.ok, printed(loaded).join("\n"));
});

test("a file past the size limit is refused before it is read", async (t) => {
  const file = join(await temporaryFolder(t), "gateway.yaml");
  await writeFile(file, "");
  await truncate(file, 1024 ** 3);
  const [problem] = printed(await loadConfig(file, { env: {} }));
  assert.equal(problem, "gateway.yaml:1:1: cannot be read: it has 1073741824 bytes, the limit is 4194304");
});

test("a file that is missing and a folder instead of a file are problems, not exceptions", async (t) => {
  const folder = await temporaryFolder(t);
  assert.deepEqual(printed(await loadConfig(join(folder, "nope.yaml"), { env: {} })), [
    "gateway.yaml:1:1: cannot be read: no such file",
  ]);
  assert.deepEqual(printed(await loadConfig(folder, { env: {} })), [
    "gateway.yaml:1:1: cannot be read: it is a folder",
  ]);
});

test("a byte order mark and Windows line ends change neither the config nor the places", async (t) => {
  const good = await load(t, "\ufefflisten:\r\n  port: 81\r\n");
  assert.ok(good.ok);
  assert.equal(good.config.listen.port, 81);
  assert.deepEqual(printed(await load(t, "\ufefflisten:\r\n  prot: 81\r\n")), [
    'gateway.yaml:2:3 listen.prot: unknown key, did you mean "port"?',
  ]);
});

test("names of Object.prototype are names like others", async (t) => {
  const loaded = await load(
    t,
    "services: { constructor: { provider: mock } }\nroutes: { toString: { match: { paths: [/x] }, service: constructor } }\n",
  );
  assert.ok(loaded.ok, printed(loaded).join("\n"));
  const { services, consumers } = loaded.config;
  const service = (name: string) => services[name];
  const consumer = (name: string) => consumers[name];
  assert.deepEqual(service("constructor"), { provider: "mock" });
  assert.equal(service("hasOwnProperty"), undefined);
  assert.equal(consumer("toString"), undefined);
});

test("control characters of the file are escaped where problems are printed", async (t) => {
  const [problem] = printed(await load(t, '"a\\e[31m\\u202e": 1\n'));
  assert.equal(problem, "gateway.yaml:1:1 a\\u001b[31m\\u202e: unknown key");
});

test("the sample config loads without any environment", async () => {
  const loaded = await loadConfig(sample, { env: {} });
  assert.ok(loaded.ok, printed(loaded).join("\n"));
  assert.deepEqual({ ...loaded.config.consumers }, { alice: { groups: ["gold"], keys: ["sk-alice-demo"] } });
  assert.equal(loaded.config.listen.port, 8080);
});

test("whatever becomes of the file, loading answers with places inside of it", async (t) => {
  const text = await readFile(sample, "utf8");
  const file = join(await temporaryFolder(t), "gateway.yaml");
  const edit = fc.record({
    at: fc.nat(text.length),
    length: fc.nat(40),
    insert: fc.oneof(
      fc.constantFrom(
        "{",
        "}",
        "[",
        "]",
        ":",
        "\n",
        "\t",
        "- ",
        "&a ",
        "*a",
        "!!x ",
        "${",
        "#",
        '"',
        "'",
        "|",
        "<<: ",
        "? ",
      ),
      fc.string({ unit: "binary", maxLength: 4 }),
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
      const mutated = edits.reduce(
        (before, { at, length, insert }) => before.slice(0, at) + insert + before.slice(at + length),
        text,
      );
      await writeFile(file, mutated);
      const loaded = await loadConfig(file, { env: {} });
      if (loaded.ok) return;
      assert.ok(loaded.problems.length > 0);
      const lines = mutated.split("\n").length;
      for (const { line, column, message } of loaded.problems) {
        assert.ok(line >= 1 && line <= lines && column >= 1, `${line}:${column} ${message}`);
      }
    }),
    { numRuns: 400 },
  );
});
