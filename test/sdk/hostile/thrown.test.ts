import { type Attack, attack } from "./attack.ts";

const error = (body: string, says: RegExp): Attack => ({ body, outcome: "error", says });
const fuel = (body: string): Attack => ({ body, outcome: "fuel" });
const undescribed = /^the plugin failed, and its error could not be described$/;

attack("what a handler throws:", {
  undefined: error("throw undefined;", /^thrown: undefined$/),
  null: error("throw null;", /^null was thrown, or memory ran out$/),
  "a text": error("throw 'text';", /^thrown: text$/),
  "an empty text": error("throw '';", /^thrown: $/),
  "a number": error("throw -0;", /^thrown: 0$/),
  "a symbol": error("throw Symbol('s');", /^thrown: Symbol\(s\)$/),
  "a BigInt": error("throw 5n;", /^thrown: 5$/),
  "a function": error("throw () => 1;", /^thrown: /),
  "an object": error("throw { code: 1 };", /^thrown: \{"code":1\}$/),
  "an object without a prototype": error("throw Object.create(null);", /^thrown: \{\}$/),
  "a cycle": error("const o = {}; o.o = o; throw o;", /^thrown: \[object Object\]$/),
  "a cycle without a prototype": error("const o = Object.create(null); o.o = o; throw o;", undescribed),
  "a proxy whose get throws": error(
    "throw new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw 2; } });",
    undescribed,
  ),
  "a revoked proxy": error(
    "const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy;",
    undescribed,
  ),
  "a proxy of an error": error("throw new Proxy(new Error('behind'), {});", /behind/),
  "an object whose toString throws": error(
    "throw { toJSON() { throw 1; }, toString() { throw new Error('no'); } };",
    undescribed,
  ),
  "an object whose toString loops": fuel("throw { toJSON() { throw 1; }, toString() { for (;;); } };"),
  "an error whose message throws": error(
    "throw Object.defineProperty(new Error(), 'message', { get() { throw 1; } });",
    undescribed,
  ),
  "an error whose message loops": fuel(
    "throw Object.defineProperty(new Error(), 'message', { get() { for (;;); } });",
  ),
  "an error whose name is an object that throws": error(
    "throw Object.assign(new Error('m'), { name: { toString() { throw 1; } } });",
    undescribed,
  ),
  "an error whose name is a symbol": error(
    "throw Object.assign(new Error('m'), { name: Symbol() });",
    undescribed,
  ),
  "an error whose stack throws": error(
    "throw Object.defineProperty(new Error('m'), 'stack', { get() { throw 1; } });",
    undescribed,
  ),
  "an error whose stack is a thousand lines": error(
    "throw Object.assign(new Error('m'), { stack: '    at x (<plugin>:1:1)\\n'.repeat(1_000) });",
    /^Error: m/,
  ),
  "an error whose stack is a million lines": {
    body: "throw Object.assign(new Error('m'), { stack: '    at x (<plugin>:1:1)\\n'.repeat(1_000_000) });",
    outcome: "memory",
  },
  "an error whose stack is a number": error(
    "throw Object.defineProperty(new Error('m'), 'stack', { value: 5 });",
    /^Error: m\n5$/,
  ),
  "an error whose message is a megabyte": error("throw new Error('x'.repeat(1_000_000));", /^Error: x{1000}/),
  "an error whose message is no text": error(
    "throw Object.assign(new Error(), { message: { a: 1 } });",
    /^Error: \[object Object\]/,
  ),
  "an error with lone surrogates": error("throw new Error('a\\ud800b');", /^Error: a\ufffdb/),
  "an error that is its own cause": error(
    "const e = new Error('m'); e.cause = e; throw e;",
    /^Error: m\n(.*\n)*caused by Error: m/,
  ),
  "a chain of 1,000 causes": error(
    "let e = new Error('m'); for (let i = 0; i < 1000; i++) e = new Error('m' + i, { cause: e }); throw e;",
    /^Error: m999\n(.*\n)*caused by Error: m998/,
  ),
  "a cause that throws when it is read": error(
    "throw Object.defineProperty(new Error('m'), 'cause', { get() { throw 1; } });",
    undescribed,
  ),
  "an error that is not extended from Error": error(
    "throw { name: 'Error', message: 'm', stack: 's' };",
    /^thrown: /,
  ),
  "Error.prototype itself": error("throw Error.prototype;", /^thrown: /),
  "an error whose class lies about instanceof": error(
    "class A { static [Symbol.hasInstance]() { throw 1; } } throw new A();",
    /^thrown: \{\}/,
  ),
  "a rejection with nothing": error("return Promise.reject();", /^thrown: undefined$/),
  "a throw in a microtask": error(
    "queueMicrotask(() => { throw new Error('later'); }); return [];",
    /^Error: later/,
  ),
  "a throw in a microtask after the first": error(
    "queueMicrotask(() => { throw new Error('one'); }); queueMicrotask(() => { throw new Error('two'); }); return [];",
    /^Error: (one|two)/,
  ),
  "a rejection that nobody handles": { body: "Promise.reject(new Error('lost')); return [];", outcome: "ok" },
  "a prepareStackTrace that throws": error(
    "Error.prepareStackTrace = () => { throw 1; }; throw new Error('m');",
    /^Error: m/,
  ),
  "a prepareStackTrace that loops": fuel(
    "Error.prepareStackTrace = () => { for (;;); }; throw new Error('m');",
  ),
  "a stackTraceLimit that is no number": error(
    "Error.stackTraceLimit = { valueOf() { throw 1; } }; throw new Error('m');",
    /^Error: m/,
  ),
  "an error in a finally, after another": error(
    "try { throw new Error('first'); } finally { throw new Error('second'); }",
    /^Error: second/,
  ),
  "an AggregateError": error(
    "return Promise.any([Promise.reject(1), Promise.reject(2)]);",
    /^AggregateError: /,
  ),
});
