import assert from "node:assert/strict";
import { test } from "node:test";
import { openSources, withBody } from "../source-plugin.ts";
import { type Attack, attack } from "./attack.ts";

const says = (expression: string, text: RegExp): Attack => ({
  body: `return { type: "tag", name: "t", value: String(${expression}) };`,
  outcome: "ok",
  says: text,
});
const error = (body: string, text: RegExp): Attack => ({ body, outcome: "error", says: text });

attack("what there is to reach, and what there is not:", {
  "eval, which sees what is global": says(
    "(0, eval)('typeof kinds + typeof input + (1 + 1)')",
    /"undefinedundefined2"/,
  ),
  "direct eval, which sees its function's own": says("eval('typeof input')", /"object"/),
  "new Function": says("new Function('a', 'return a + typeof input')(1)", /"1undefined"/),
  "the constructors of other functions": says(
    "Object.getPrototypeOf(function* () {}).constructor('yield this')().next().value === globalThis",
    /"true"/,
  ),
  "code that new code makes, without an end": { body: "new Function('for (;;);')();", outcome: "fuel" },
  "code that makes code that makes code": error(
    "const again = () => new Function('f', 'return f(f)')(again); again();",
    /RangeError|SyntaxError/,
  ),
  "source of a megabyte": { body: "(0, eval)('1+'.repeat(500_000) + '1'); return [];", outcome: "fuel" },
  "import()": error(
    "return (0, eval)('import(\"node:fs\")');",
    /ReferenceError: could not load module 'node:fs'/,
  ),
  "import() of data": error(
    "return (0, eval)('import(\"data:text/javascript,1\")');",
    /ReferenceError: could not load module/,
  ),
  "import.meta": error("(0, eval)('import.meta');", /SyntaxError/),
  "require, which is the bundler's and finds nothing": error(
    "const name = 'node:' + input.kind; require(name);",
    /Error: Dynamic require of "node:require.*" is not supported/,
  ),
  "process, Buffer, fetch and timers": says(
    "[typeof process, typeof Buffer, typeof fetch, typeof setTimeout, typeof setInterval, typeof WebAssembly, typeof XMLHttpRequest, typeof Worker, typeof navigator, typeof window, typeof global, typeof Deno, typeof std, typeof os, typeof print, typeof scriptArgs]",
    /"undefined(,undefined){15}"/,
  ),
  "the engine that a bundle starts with": says(
    "typeof __sandgate + typeof globalThis.__sandgate + ('__sandgate' in globalThis)",
    /"undefinedundefinedfalse"/,
  ),
  "every global name": says(
    "Object.getOwnPropertyNames(globalThis).filter((name) => !/^[A-Z]/.test(name)).sort().join()",
    /"atob,btoa,decodeURI,decodeURIComponent,encodeURI,encodeURIComponent,escape,eval,globalThis,isFinite,isNaN,parseFloat,parseInt,performance,queueMicrotask,undefined,unescape"/,
  ),
  "Atomics.wait": error("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);", /ReferenceError/),
  "a SharedArrayBuffer": says("new Uint8Array(new SharedArrayBuffer(8)).length", /"8"/),
  "a SharedArrayBuffer of 1 GB": {
    body: "return [new Uint8Array(new SharedArrayBuffer(2 ** 30))];",
    outcome: "memory",
  },
  "a WeakRef whose target is gone": says("new WeakRef({}).deref()", /"undefined"/),
  "a FinalizationRegistry whose callback loops": {
    body: "globalThis.r = new FinalizationRegistry(() => { for (;;); }); (() => { r.register({}, 1); })(); return (async () => { await null; return []; })();",
    outcome: "fuel",
  },
  "a FinalizationRegistry whose callback throws": error(
    "globalThis.r = new FinalizationRegistry(() => { throw new Error('in a finalizer'); }); (() => { r.register({}, 1); })(); return (async () => { await null; return []; })();",
    /^Error: in a finalizer/,
  ),
  "the caller of the caller": says(
    "(() => { try { return (function f() { return f.caller; })(); } catch (e) { return e.name; } })()",
    /"TypeError"/,
  ),
  "arguments.callee": says(
    "(() => { try { return (function () { return arguments.callee; })(); } catch (e) { return e.name; } })()",
    /"TypeError"/,
  ),
  "the source of a function": says(
    "kinds.honest === undefined && honest.toString()",
    /"function honest\(\) \{\\n {4}\[native code\]\\n\}"/,
  ),
  "a debugger statement": { body: "debugger; return [];", outcome: "ok" },
  "Date.now without a clock that moves": says(
    "(() => { const t = Date.now(); for (let i = 0; i < 1e5; i++); return Date.now() - t; })()",
    /"0"/,
  ),
});

attack("floods of the log:", {
  "100,000 lines": {
    body: "for (let i = 0; i < 100_000; i++) host.log.info('x'); return [];",
    outcome: "fuel",
  },
  "a line of 10 MB": { body: "host.log.info('x'.repeat(10_000_000)); return [];", outcome: "fuel" },
  "a line of 1 MB": { body: "host.log.info('x'.repeat(1_000_000)); return [];", outcome: "ok" },
  "lines of what is no text": {
    body: "for (const v of [undefined, null, Symbol(), 1n, {}, () => 1]) console.log(v); return [];",
    outcome: "ok",
  },
  "a cycle": { body: "const o = {}; o.o = o; console.log('x', o); return [];", outcome: "ok" },
  "a line whose toString loops": { body: "console.log({ toJSON() { for (;;); } });", outcome: "fuel" },
  "a line with line ends and colours": {
    body: "host.log.error('a\\nb\\r\\u001b[31mred\\u0000\\u2028'); return [];",
    outcome: "ok",
  },
});

test("two bindings of one plugin share nothing", async (t) => {
  const source = withBody(
    `globalThis.left = (globalThis.left ?? 0) + 1; Object.prototype.left = 5; seen.push(input.who);
     return { type: "tag", name: "t", value: seen.join() + globalThis.left };`,
    "const seen = [];",
  );
  const [one, two] = [await openSources(t, source), await openSources(t, source)];
  for (let round = 0; round < 3; round++) {
    assert.equal(await one.tag({ who: "one" }), "one1");
    assert.equal(await two.tag({ who: "two" }), "two1");
  }
});
