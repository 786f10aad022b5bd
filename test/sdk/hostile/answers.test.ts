import { type Attack, attack } from "./attack.ts";

const ok = (body: string, says: RegExp): Attack => ({ body, outcome: "ok", says });
const error = (body: string, says: RegExp): Attack => ({ body, outcome: "error", says });
const tag = `const tag = { type: "tag", name: "t", value: "v" };`;

// What of an `ok` reaches a request is the host's to decide: test/pipeline/parse-output.test.ts.
attack("what a handler answers:", {
  "a cycle": error("const o = {}; o.o = o; return o;", /TypeError: circular reference/),
  "a list that holds itself": error("const a = []; a.push(a); return a;", /TypeError: circular reference/),
  "10,000 effects": ok(
    `${tag} return new Array(10_000).fill(tag);`,
    /^\{"effects":\[(\{"type":"tag","name":"t","value":"v"\},?){10000}\]\}$/,
  ),
  "more than an output may hold": {
    body: `${tag} return { ...tag, value: "x".repeat(2_000_000) };`,
    outcome: "memory",
    says: /^output of 2000050 bytes/,
  },
  "an effect of 5,000 levels": error(
    "let o = {}; for (let i = 0; i < 5000; i++) o = { o }; return o;",
    /RangeError: Maximum call stack size exceeded/,
  ),
  "a getter that throws": error(
    "return { type: 'tag', get name() { throw new Error('in a getter'); } };",
    /Error: in a getter/,
  ),
  "a getter that loops": { body: "return { type: 'tag', get name() { for (;;); } };", outcome: "fuel" },
  "a getter that answers anew each time": ok(
    "let n = 0; return { type: 'tag', name: 't', get value() { return String(++n); } };",
    /"value":"1"/,
  ),
  "a proxy of an effect": ok(`${tag} return new Proxy(tag, {});`, /"value":"v"/),
  "a proxy whose traps throw": error(
    `${tag} return new Proxy(tag, { ownKeys() { throw new Error("in a trap"); } });`,
    /Error: in a trap/,
  ),
  "a proxy of a list": ok(`${tag} return new Proxy([tag], {});`, /^\{"effects":\[\{"type":"tag"/),
  "a proxy of a list that never ends": {
    body: `${tag} return new Proxy([tag], { get: (t, k) => (k === "length" ? 1e15 : tag) });`,
    outcome: "fuel",
  },
  "a revoked proxy": error(
    "const { proxy, revoke } = Proxy.revocable([], {}); revoke(); return proxy;",
    /TypeError/,
  ),
  "a BigInt": error("return { type: 'tag', name: 't', value: 1n };", /TypeError/),
  "a BigInt alone": error("return 1n;", /TypeError/),
  "a function": ok("return () => {};", /^\{"effects":\[null\]\}$/),
  "a symbol": ok("return Symbol('x');", /^\{"effects":\[null\]\}$/),
  "a text": ok("return 'x';", /^\{"effects":\["x"\]\}$/),
  "a number": ok("return NaN;", /^\{"effects":\[null\]\}$/),
  "a number that could be an exit code": ok("return 7;", /^\{"effects":\[7\]\}$/),
  "a sparse list": ok("return [, , ,];", /^\{"effects":\[null,null,null\]\}$/),
  "a list of a length without elements": { body: "return new Array(4294967295);", outcome: "fuel" },
  "a typed array": ok("return new Uint8Array([1, 2]);", /^\{"effects":\[\{"0":1,"1":2\}\]\}$/),
  "a map": ok("return new Map([[1, 2]]);", /^\{"effects":\[\{\}\]\}$/),
  "a date": ok("return { type: 'tag', name: 't', value: new Date(0) };", /"1970-01-01T00:00:00\.000Z"/),
  "a toJSON that throws nothing readable": error("return { toJSON() { throw null; } };", /null was thrown/),
  "a toJSON that answers undefined": ok("return { toJSON() {} };", /^\{"effects":\[null\]\}$/),
  "a text with a lone surrogate": ok("return { type: 'tag', name: 't', value: '\\ud800' };", /\\ud800/),
  "a key with a lone surrogate": ok("return { type: 'tag', '\\udfff': 1 };", /\\udfff/),
  "a thenable that is no promise": ok("return { then(done) { done([]); } };", /^\{"effects":\[\{\}\]\}$/),
  "a promise of a promise of nothing": ok("return Promise.resolve(Promise.resolve([]));", /^$/),
  "a promise with a then of its own": ok(
    `${tag} const p = Promise.resolve(tag); p.then = (f) => f({ type: "tag", name: "own", value: "then" }); return p;`,
    /"own"/,
  ),
  "a promise whose then answers another one that never settles": error(
    "const p = Promise.resolve(); p.then = () => new Promise(() => {}); return p;",
    /never settles/,
  ),
  "a promise of a subclass": ok(
    `${tag} class Mine extends Promise {} return Mine.resolve(tag);`,
    /"value":"v"/,
  ),
  "a promise of a subclass that makes nonsense": error(
    "class Mine extends Promise { static get [Symbol.species]() { return 5; } } return Mine.resolve([]);",
    /TypeError/,
  ),
  "a rejected promise": error("return Promise.reject(new Error('rejected'));", /Error: rejected/),
  "a promise whose then answers a number": error(
    "const p = Promise.resolve(); p.then = () => 7; return p;",
    /^returned 7 without an error/,
  ),
});
