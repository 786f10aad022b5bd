import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { CompileFailed } from "#sdk/compile/problem.ts";
import { compileSources, openSources, withBody, writeSources } from "../source-plugin.ts";

const run = "export function run() {}";
const repeated = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index)).join("\n");
const nested = (open: string, depth: number, close: string) =>
  `export const run = () => value;\nconst value = ${open.repeat(depth)}${close.repeat(depth)};`;

const refused: Readonly<Record<string, { readonly source: string; readonly says: RegExp }>> = {
  "a throw of null": { source: "throw null;", says: /^plugin\.ts: null was thrown, or memory ran out$/ },
  "a throw of undefined": { source: "throw undefined;", says: /^plugin\.ts: thrown: undefined$/ },
  "a throw of a symbol": {
    source: "throw Symbol('s');",
    says: /^plugin\.ts: thrown: something that is no Error and has no text$/,
  },
  "a throw of what cannot be shown": {
    source: "throw { toString() { throw 1; } };",
    says: /^plugin\.ts: thrown: something that is no Error and has no text$/,
  },
  "an error whose message throws": {
    source: "throw Object.defineProperty(new Error('x'), 'message', { get() { throw 1; } });",
    says: /^plugin\.ts:1:\d+: Error: \n/,
  },
  "an error whose message never comes": {
    source: "throw Object.defineProperty(new Error('x'), 'message', { get() { for (;;); } });",
    says: /^plugin\.ts:1:\d+: Error: \n/,
  },
  "a generator that does not let itself be closed": {
    source: `function* g() { for (;;) try { yield 1; } finally { for (;;); } }\nfor (const x of g()) break;\n${run}`,
    says: /^plugin\.ts:1:\d+: not done after 5000 ms/,
  },
  "microtasks without an end": {
    source: `const flood = () => { queueMicrotask(flood); };\nflood();\n${run}`,
    says: /not done after 5000 ms/,
  },
  "a pattern that backtracks": {
    source: `/^(a+)+$/.test("a".repeat(60) + "!");\n${run}`,
    says: /^plugin\.ts:1:\d+: not done after 5000 ms/,
  },
  "texts that double": {
    source:
      "let text = 'x'.repeat(1e6);\nfor (const all: string[] = []; ; ) all.push(text + Math.sqrt(all.length));",
    says: /^plugin\.ts: null was thrown, or memory ran out$|InternalError: out of memory/,
  },
  "a generator that throws while it is closed": {
    source:
      "function* g() { try { yield 1; } finally { throw new Error('closing'); } }\nfor (const x of g()) break;",
    says: /^plugin\.ts:1:\d+: Error: closing/,
  },
  "a microtask that throws": {
    source: `queueMicrotask(() => { throw new Error("later"); });\n${run}`,
    says: /^plugin\.ts:1:\d+: Error: later/,
  },
  "toJSON on every object": {
    source: withBody("return [];", "(Object.prototype as any).toJSON = () => 5;"),
    says: /^plugin\.ts: what it exports cannot be told: its code has changed what is built in/,
  },
  "methods of arrays replaced": {
    source: withBody(
      "return [];",
      "(Array.prototype as any).map = (Array.prototype as any).filter = () => 5;",
    ),
    says: /^plugin\.ts: TypeError: not a function$/,
  },
  "every global deleted": {
    source: withBody(
      "return [];",
      "for (const name of Object.getOwnPropertyNames(globalThis)) try { delete (globalThis as any)[name]; } catch {}",
    ),
    says: /^plugin\.ts: ReferenceError: Object is not defined$/,
  },
  "1,000 arrays in each other": {
    source: nested("[", 1_000, "]"),
    says: /^plugin\.ts: RangeError: Maximum call stack size exceeded$/,
  },
  "an export without a name that UTF-8 can hold": {
    source: `function f() {}\nexport { f as "\\ud800" };`,
    says: /^plugin\.ts:2:\d+: .*unpaired Unicode surrogate/,
  },
};

test("not compiled, with a word about it, and the next plugin is:", async (t) => {
  for (const [title, { source, says }] of Object.entries(refused)) {
    await t.test(title, async (t) => {
      await assert.rejects(compileSources(t, source), (thrown) => {
        assert.ok(thrown instanceof CompileFailed, String(thrown));
        assert.match(thrown.message, says);
        return true;
      });
      assert.deepEqual((await compileSources(t, run)).exports, ["run"]);
    });
  }
});

const compiled: Readonly<Record<string, string>> = {
  "Object.prototype with a member more": withBody(
    "return { type: 'tag', name: 't', value: ({} as any).more };",
    "(Object.prototype as any).more = 'v';",
  ),
  "Promise.prototype.then replaced": withBody(
    "return { type: 'tag', name: 't', value: 'v' };",
    "(Promise.prototype as any).then = () => 5;",
  ),
  "everything frozen": withBody(
    "return { type: 'tag', name: 't', value: 'v' };",
    `for (const name of Object.getOwnPropertyNames(globalThis)) {
       const value = (globalThis as any)[name];
       if (typeof value === "function") { Object.freeze(value); Object.freeze(value.prototype); }
     }
     Object.freeze(globalThis);`,
  ),
  "a rejection that nobody handles": withBody(
    "return { type: 'tag', name: 't', value: 'v' };",
    "Promise.reject(new Error('lost'));",
  ),
  "10,000 parentheses in each other": withBody(
    "return { type: 'tag', name: 't', value };",
    `const value = ${"(".repeat(10_000)}"v"${")".repeat(10_000)};`,
  ),
  "types nested 10,000 deep": withBody(
    "return { type: 'tag', name: 't', value };",
    `const value: ${"Array<".repeat(10_000)}string${">".repeat(10_000)} = "v" as any;`,
  ),
  "a million lines of comments": withBody(
    "return { type: 'tag', name: 't', value: 'v' };",
    "// x\n".repeat(1_000_000),
  ),
};

test("compiled, and it runs as it was written:", async (t) => {
  for (const [title, source] of Object.entries(compiled)) {
    await t.test(title, async (t) => {
      assert.equal(await (await openSources(t, source)).tag(), "v");
    });
  }
});

test("a source of 5 MB is compiled; its text is in the module once", async (t) => {
  const text = "x".repeat(5_000_000);
  const { wasm } = await compileSources(t, `const text = "${text}";\nexport const run = () => text.length;`);
  assert.ok(wasm.length < text.length + 1_000_000, `${wasm.length} bytes`);
});

test("what the top level made and dropped is not in the module", async (t) => {
  const make = "Array.from({ length: 20_000 }, (_, i) => ({ text: 'text of ' + i }))";
  const [plain, kept, dropped] = await Promise.all(
    ["const all = [];", `const all = ${make};`, `let all: object[] = ${make};\nall = [];`].map((source) =>
      compileSources(t, `${source}\nexport const run = () => all.length;`),
    ),
  );
  const more = (compiled = plain) => (compiled?.wasm.length ?? 0) - (plain?.wasm.length ?? 0);
  assert.ok(more(kept) > 1_000_000, `${more(kept)} bytes more with all kept`);
  assert.ok(
    more(dropped) < more(kept) / 4,
    `${more(dropped)} bytes more with all dropped, ${more(kept)} with all kept`,
  );
});

test("10,000 exports are compiled; what a gateway takes is for the gateway to say", async (t) => {
  const { exports } = await compileSources(
    t,
    repeated(10_000, (index) => `export function f${index}() {}`),
  );
  assert.equal(exports.length, 10_000);
});

test("a flood of the log while compiling arrives whole", async (t) => {
  const notes: string[] = [];
  await compileSources(t, `for (let line = 0; line < 10_000; line++) console.log(line);\n${run}`, notes);
  assert.equal(notes.length, 10_000);
  assert.equal(notes.at(-1), "9999");
});

test("operations of the engine that are called by hand show in the imports, and the gateway refuses them", async (t) => {
  const source = withBody(
    "return [];",
    `declare const __sandgate: any;
     for (let operation = 0; operation < 64; operation++) {
       for (const args of [[], [1, 2, 3], ["text", null], [{}, []]]) try { __sandgate(operation)(...args); } catch {}
     }`,
  );
  await assert.rejects(
    openSources(t, source),
    /the module imports extism:host\/env\.http_request; add "http"/,
  );
});

test("a crash of the bundler is told, and the next build has another one", async (t) => {
  const folder = await writeSources(t, { "deep.ts": nested("[", 600_000, "]"), "fine.ts": run });
  // In a process of its own: the bundler writes pages about its crash to standard error.
  const script = `import { compilePlugin } from "#sdk/compile/compile-plugin.ts";
    for (const file of process.argv.slice(1)) {
      console.log(await compilePlugin(file).then(({ exports }) => exports.join(), ({ message }) => message));
    }`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      "--input-type=module",
      "-e",
      script,
      join(folder, "deep.ts"),
      join(folder, "fine.ts"),
    ],
    { cwd: join(import.meta.dirname, "../../.."), maxBuffer: 16_000_000 },
  );
  assert.equal(stdout, "deep.ts: the bundler crashed: is code nested very deep?\nrun\n");
});
