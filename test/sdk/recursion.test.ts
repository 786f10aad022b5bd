import assert from "node:assert/strict";
import { test } from "node:test";
import { openSources, withBody } from "./source-plugin.ts";

/**
 * Ways to go deeper until something ends it. The stack that the sandbox gives a plugin on the host must be the last
 * to run out: each of these has to end in an error of the plugin's own, which it could have caught.
 */
const hostile: Readonly<Record<string, string>> = {
  "a function": "const f = () => f() + 1; f();",
  "a function with many parameters":
    "const f = (a, b, c, d, e, g, h, i) => f(a, b, c, d, e, g, h, i) + 1; f();",
  "a function with many locals":
    "function f(x) { const a = x + 1, b = a + 1, c = b + 1, d = c + 1, e = d + 1; return f(e) + a + b + c + d; } f(0);",
  "closures inside each other": "const f = (x) => { const g = () => f(x + 1); return g() + 1; }; f(0);",
  "a constructor": "class A { constructor() { new A(); } } new A();",
  "constructors through super":
    "class A { constructor() { new B(); } } class B extends A { constructor() { super(); } } new B();",
  "a field's initializer": "class A { x = new A(); } new A();",
  "a getter": "const o = { get x() { return this.x; } }; o.x;",
  "a setter": "const o = { set x(v) { this.x = v; } }; o.x = 1;",
  "a proxy's trap": "const p = new Proxy({}, { get: (_t, k, r) => r[k] }); p.x;",
  "a chain of proxies, read": "proxies({}).x;",
  "a chain of proxies, called": "proxies(() => 1)();",
  "a chain of proxies, listed": "Object.keys(proxies({}));",
  "a chain of bound functions": "let f = () => 1; for (let i = 0; i < 700; i++) f = f.bind(null, 1, 2); f();",
  "JSON.parse of arrays": 'JSON.parse("[".repeat(100000));',
  "JSON.parse of objects": `JSON.parse('{"a":'.repeat(50000));`,
  "JSON.stringify": "JSON.stringify(nested(20000));",
  toJSON: "const o = { toJSON: () => JSON.stringify(o) }; JSON.stringify(o);",
  "a comparator of sort": "const f = () => ([2, 1].sort(f), 1); f();",
  "a callback of map": "const f = () => [1].map(f); f();",
  "Array.prototype.flat": "let a = []; for (let i = 0; i < 20000; i++) a = [a]; a.flat(Infinity);",
  "Array.prototype.join": "let a = [1]; for (let i = 0; i < 20000; i++) a = [a]; a.join();",
  "Array.prototype.toLocaleString":
    "let a = [1]; for (let i = 0; i < 20000; i++) a = [a]; a.toLocaleString();",
  toString: 'const o = { toString: () => "" + o }; "" + o;',
  valueOf: "const o = { valueOf: () => +o }; +o;",
  "groups of a pattern": 'new RegExp("(?:".repeat(20000) + ")".repeat(20000));',
  "lookaheads of a pattern": 'new RegExp("(?=".repeat(5000) + ")".repeat(5000)).test("a");',
  "a callback of replace": 'const f = () => "a".replace(/a/, f); f();',
  "yield* of generators": "function* g() { yield* g(); } [...g()];",
  "destructuring of an iterable":
    "const o = { [Symbol.iterator]() { const [x] = o; return [x].values(); } }; const [y] = o;",
  "destructuring with a default": "const f = (a = f()) => a; f();",
  "spread of an iterable": "const o = { [Symbol.iterator]: () => [...o].values() }; [...o];",
  "spread arguments": "const f = (...a) => f(...a); f(1, 2, 3);",
  apply: "function f() { return f.apply(null, []); } f();",
  "Reflect.construct": "function F() { Reflect.construct(F, []); } new F();",
  "a tagged template": "const f = (s) => f`x`; f`x`;",
  "try and finally": "function f() { try { f(); } finally { f; } } f();",
  instanceof: "class A { static [Symbol.hasInstance](v) { return v instanceof A; } } ({}) instanceof A;",
  "eval of itself": 'globalThis.again = "(0, eval)(again)"; (0, eval)(globalThis.again);',
  "eval of parentheses": '(0, eval)("(".repeat(20000));',
  "eval of arrow functions": '(0, eval)("a=>".repeat(20000) + "1");',
  "eval of templates": '(0, eval)("`${".repeat(20000));',
};

const kinds = Object.entries(hostile).map(([name, code]) => `${JSON.stringify(name)}: () => { ${code} },`);
const source = withBody(
  "kinds[input.kind](); return [];",
  `
function proxies(inner) {
  for (let level = 0; level < 3000; level++) inner = new Proxy(inner, {});
  return inner;
}
function nested(levels) {
  let object = {};
  for (let level = 0; level < levels; level++) object = { object };
  return object;
}
const kinds = { ${kinds.join("\n")} };
let depth = 0;
function deeper() { depth++; return deeper() + 1; }
kinds["how deep"] = () => { try { deeper(); } catch { throw new Error(depth + " levels"); } };
kinds["nothing"] = () => {};
// The engine's own step from one iterator to the next asks nobody how deep it is.
kinds["iterator helpers"] = () => {
  let steps = [1].values();
  for (let level = 0; level < 5000; level++) steps = steps.map((x) => x);
  steps.next();
};`,
);
const fuel = 1_000_000_000;

test("a recursion without an end is an error of the plugin's own, not a trap:", async (t) => {
  const plugin = await openSources(t, source, { fuel });
  for (const kind of Object.keys(hostile)) {
    await t.test(kind, async () => {
      // More than once: frames of code that V8 has optimised are of other sizes.
      for (let round = 0; round < 5; round++) {
        const { outcome, error } = await plugin.call("pre_request", { kind });
        assert.equal(outcome, "error", error ?? "");
        assert.match(error ?? "", /RangeError: Maximum call stack size exceeded|SyntaxError: stack overflow/);
      }
    });
  }
});

test("functions can call each other some 150 levels deep", async (t) => {
  const plugin = await openSources(t, source, { fuel });
  const { error } = await plugin.call("pre_request", { kind: "how deep" });
  const [, levels] = /(\d+) levels/.exec(error ?? "") ?? [];
  assert.ok(Number(levels) >= 150, error ?? "");
});

test("a chain of iterator helpers may trap; the next call is not affected", async (t) => {
  const plugin = await openSources(t, source, { fuel });
  const { outcome, error } = await plugin.call("pre_request", { kind: "iterator helpers" });
  assert.deepEqual([outcome, error], ["trap", "call stack exhausted"]);
  assert.equal((await plugin.call("pre_request", { kind: "nothing" })).outcome, "ok");
});
