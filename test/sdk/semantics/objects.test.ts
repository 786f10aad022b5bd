import { js, specify } from "./specify.ts";

specify("objects", {
  "keys come as integers, texts, symbols": js`
    const s = Symbol("s");
    const o = { b: 1, 2: 1, a: 1, [s]: 1, 1: 1, "-1": 1, "01": 1, 4294967294: 1, 4294967295: 1 };
    delete o.b; o.b = 1;
    return [Reflect.ownKeys(o).map(String), Object.keys(o), JSON.stringify(o),
      (() => { const all = []; for (const k in o) all.push(k); return all; })()];
  `,
  "for in walks the prototypes, without what is shadowed, hidden or deleted": js`
    const base = { a: 1, b: 2, c: 3 };
    const o = Object.create(base, { b: { value: 1, enumerable: false }, d: { value: 1, enumerable: true },
      e: { value: 1, enumerable: true, configurable: true } });
    const seen = [];
    for (const key in o) { seen.push(key); if (key === "d") delete o.e; }
    for (const key in null) seen.push("never");
    for (const key in "ab") seen.push(key);
    return seen;
  `,
  "getters and setters": js`
    const log = [];
    const o = { _v: 1, get v() { log.push("get"); return this._v; },
      set v(value) { log.push("set"); this._v = value; }, get only() { return 1; } };
    o.v += 5; o.v++; o.v ??= 9;
    const child = Object.create(o);
    child.v = 50;
    return [o.v, child._v, o._v, Object.keys(child), log, thrown(() => { o.only = 2; }),
      Object.getOwnPropertyDescriptor(o, "only").set];
  `,
  "descriptors have defaults and rules": js`
    const o = {};
    Object.defineProperty(o, "a", { value: 1 });
    Object.defineProperty(o, "b", { get() { return 2; }, configurable: true });
    return [Object.getOwnPropertyDescriptor(o, "a"), thrown(() => { o.a = 2; }),
      thrown(() => { delete o.a; }), thrown(() => Object.defineProperty(o, "a", { value: 2 })),
      Object.defineProperty(o, "a", { value: 1 }) === o,
      thrown(() => Object.defineProperty(o, "c", { get() {}, value: 1 })),
      Object.keys(Object.getOwnPropertyDescriptors(o)), Object.keys(o), delete o.b,
      thrown(() => Object.defineProperty(o, "x", { get: 5 })), o.propertyIsEnumerable("a")];
  `,
  "freeze, seal and preventExtensions": js`
    const frozen = Object.freeze({ a: { b: 1 } }), sealed = Object.seal({ a: 1 }),
      fixed = Object.preventExtensions({ a: 1 });
    frozen.a.b = 2; sealed.a = 2;
    return [frozen, sealed, thrown(() => { frozen.a = 1; }), thrown(() => { delete sealed.a; }),
      thrown(() => { sealed.b = 1; }), delete fixed.a, thrown(() => { fixed.z = 1; }),
      [frozen, sealed, fixed].map((o) => [Object.isFrozen(o), Object.isSealed(o), Object.isExtensible(o)]),
      Object.isFrozen(5), Object.freeze(5), thrown(() => Object.freeze([1, 2]).push(3)),
      thrown(() => Object.setPrototypeOf(frozen, null)), Object.isFrozen("abc")];
  `,
  "__proto__ in literals, computed, shorthand, and as an accessor": js`
    const proto = { inherited: 1 }, __proto__ = 5;
    return [{ __proto__: proto }.inherited, Object.keys({ ["__proto__"]: 1 }), Object.keys({ __proto__ }),
      Object.getPrototypeOf({ __proto__: null }),
      Object.getPrototypeOf({ __proto__: 5 }) === Object.prototype,
      (() => { const o = {}; o.__proto__ = proto; return o.inherited; })(), Object.create(null).__proto__,
      Object.keys(JSON.parse('{"__proto__": 1}'))];
  `,
  "assign, entries and fromEntries": js`
    const s = Symbol("s");
    const target = Object.assign({ a: 1 }, null, { b: 2, [s]: 3 }, "xy", Object.create({ no: 1 }));
    return [target, Object.entries({ b: 1, 1: 2 }), Object.values("ab"),
      Object.fromEntries([["a", 1], ["a", 2]]), thrown(() => Object.fromEntries([1])),
      thrown(() => Object.assign(null, {})), thrown(() => Object.assign(Object.freeze({ a: 1 }), { a: 2 })),
      Object.hasOwn("abc", "length"), Object.entries([5, , 6])];
  `,
  groupBy: js`
    const odd = (x) => (x % 2 ? "odd" : "even");
    const grouped = Object.groupBy([1, 2, 3], odd);
    return [Object.getPrototypeOf(grouped), { ...grouped }, Map.groupBy([1, 2, 3, -0], (x) => x % 2 || 0),
      Object.keys(Object.groupBy("hello", (c) => c)), thrown(() => Object.groupBy(null, odd))];
  `,
  "conversion asks Symbol.toPrimitive, else valueOf and toString by hint": js`
    const log = [];
    const plain = { valueOf() { log.push("valueOf"); return {}; },
      toString() { log.push("toString"); return "7"; } };
    const own = { [Symbol.toPrimitive]: (hint) => hint };
    return [plain + 1, \`\${plain}\`, plain * 2, log,
      [own + "", \`\${own}\`, String(own), own == "default"], Number.isNaN(+own),
      thrown(() => +{ [Symbol.toPrimitive]: () => ({}) }), thrown(() => +{ [Symbol.toPrimitive]: 5 }),
      [1, 2] + {}, ({}) + "", thrown(() => Object.create(null) + "")];
  `,
  "== follows its table": js`
    return [null == undefined, null == 0, "" == 0, "0" == false, [] == false, [] == ![], [1] == 1,
      "1" == 1n, NaN == NaN, ({}) == "[object Object]", Symbol.iterator == Symbol.iterator, Object(1) == 1,
      Object(1) == Object(1), true == "1", true == "true", undefined == 0, null == false];
  `,
  "typeof and the classes of values": js`
    return [typeof null, typeof undefined, typeof (() => 1), typeof class {}, typeof Symbol(), typeof 1n,
      typeof Object(1n), typeof /a/, typeof missing,
      [[], null, undefined, 1, "", true, () => 1, new Date(0), /a/, new Error(),
      (function () { return arguments; })(), new Map(), 1n, Symbol(), new Proxy([], {}), JSON, Math,
      globalThis && 1, Promise.resolve(),
      function* () {}].map((value) => Object.prototype.toString.call(value))];
  `,
  "a proxy's traps are all asked": js`
    const log = [];
    const handler = new Proxy({}, { get: (_, trap) => (...all) => { log.push(trap);
      return Reflect[trap](...all); } });
    const p = new Proxy(function () {}, handler);
    p.a = 1; p.a; "a" in p; delete p.a; p(); new p(); Object.keys(p); Object.getPrototypeOf(p);
      Object.setPrototypeOf(p, Function.prototype); Object.isExtensible(p); Object.preventExtensions(p);
      Object.getOwnPropertyDescriptor(p, "x"); thrown(() => Object.defineProperty(p, "y", { value: 1 }));
    return log;
  `,
  "a proxy may not lie about what is fixed": js`
    const target = Object.freeze({ a: 1 });
    const lie = (handler) => new Proxy(target, handler);
    return [thrown(() => lie({ get: () => 2 }).a), lie({ get: () => 1 }).a,
      thrown(() => "a" in lie({ has: () => false })), thrown(() => Object.keys(lie({ ownKeys: () => [] }))),
      thrown(() => Object.keys(lie({ ownKeys: () => ["a", "a"] }))),
      thrown(() => Object.getPrototypeOf(lie({ getPrototypeOf: () => ({}) }))),
      thrown(() => delete lie({ deleteProperty: () => true }).a),
      thrown(() => Object.isExtensible(lie({ isExtensible: () => true }))),
      thrown(() => Object.getOwnPropertyDescriptor(lie({ getOwnPropertyDescriptor: () => undefined }),
      "a")), thrown(() => { lie({ set: () => true }).a = 5; }),
      thrown(() => { new Proxy({}, { set: () => false }).x = 1; })];
  `,
  "a revoked proxy throws at everything": js`
    const { proxy, revoke } = Proxy.revocable({}, {});
    proxy.a = 1;
    revoke(); revoke();
    return [thrown(() => proxy.a), thrown(() => Object.keys(proxy)), typeof proxy,
      thrown(() => new Proxy(proxy, {}).x), thrown(() => Array.isArray(proxy))];
  `,
  "a proxy of an array is an array": js`
    const log = [];
    const p = new Proxy([1, 2], { set(target, key, value) { log.push(key); target[key] = value; return true;
      } });
    p.push(3);
    return [Array.isArray(p), p.length, [...p], JSON.stringify(p), p.concat([4]), log, [0].concat(p),
      p.map((x) => x * 2)];
  `,
  "a proxy as a prototype, and its receiver": js`
    const o = Object.create(new Proxy({}, { get: (_, key, receiver) => [key, receiver === o],
      has: () => true, set(_, key, value, receiver) { return Reflect.defineProperty(receiver, key,
      { value: [value], enumerable: true, configurable: true, writable: true }); } }));
    o.x = 1;
    return [o.y, "z" in o, Object.keys(o), o.x];
  `,
  "Reflect answers where Object throws": js`
    const frozen = Object.freeze({ a: 1 });
    class A { constructor() { this.target = new.target.name; } }
    class B {}
    const receiver = { v: 7 };
    return [Reflect.defineProperty(frozen, "a", { value: 2 }), Reflect.set(frozen, "a", 2),
      Reflect.deleteProperty(frozen, "a"), Reflect.setPrototypeOf(frozen, null),
      Reflect.get({ get x() { return this.v; } }, "x", receiver), Reflect.construct(A, [], B).target,
      Reflect.construct(A, [], B) instanceof B, Reflect.apply(Math.max, null, [1, 3]),
      Reflect.ownKeys({ b: 1, 0: 1 }), Reflect.has({}, "toString"), thrown(() => Reflect.get(1, "a")),
      thrown(() => Reflect.apply(1)), Reflect.set({}, "v", 9, receiver), receiver.v];
  `,
  "symbols as protocols": js`
    class Even { static [Symbol.hasInstance](n) { return n % 2 === 0; } }
    const spreadable = { length: 2, 0: "a", 1: "b", [Symbol.isConcatSpreadable]: true };
    const tagged = { get [Symbol.toStringTag]() { return "Mine"; } };
    class List extends Array { static get [Symbol.species]() { return Array; } }
    return [2 instanceof Even, 1 instanceof Even, [1].concat(spreadable), String(tagged),
      new List(1, 2).map((x) => x) instanceof List, Symbol.for("a") === Symbol.for("a"),
      Symbol.keyFor(Symbol.for("a")), Symbol("d").description, Symbol().description, String(Symbol("x")),
      Object(Symbol.iterator) == Symbol.iterator, Array.prototype[Symbol.unscopables].flat];
  `,
  "names of functions": js`
    const a = () => {}, o = { b() {}, c: function () {}, get d() { return 1; }, ["e" + 1]: () => {},
      [Symbol("s")]: () => {}, f: class {} };
    const { g = () => {} } = {};
    let h;
    h = function () {};
    return [a.name, o.b.name, o.c.name, Object.getOwnPropertyDescriptor(o, "d").get.name, o.e1.name,
      o[Object.getOwnPropertySymbols(o)[0]].name, o.f.name, g.name, h.name, (() => {}).name,
      o.b.bind().name, new Function("").name, (function own() {}).name, class { static name = "set" }.name];
  `,
  "bind, call, apply and the lengths of functions": js`
    function f(a, b, c) { return [this, a, b, c, arguments.length]; }
    const bound = f.bind("this", 1);
    return [bound(2), bound.length, f.bind(null, 1, 2, 3, 4).length, bound.call("other", 5),
      f.apply(null, { length: 2, 0: "x" }), new (function (x) { this.x = x; }.bind(null, 7))().x,
      "prototype" in bound, thrown(() => f.apply(null, 5)), bound.bind("again")(9)];
  `,
  "arguments in strict code stands by itself": js`
    function f(a) { a = 2; arguments[1] = 9; return [arguments[0], arguments.length, [...arguments]]; }
    return [f(1, 5), f(), thrown(() => (function () { return arguments.callee; })()),
      ((...rest) => rest)(1, 2)];
  `,
  "optional chaining stops the whole chain": js`
    const o = { a: { f() { return this.v; }, v: 1 } }, none = undefined;
    let calls = 0;
    const count = () => calls++;
    return [o?.a?.f(), none?.a.b.c(count()), none?.[count()], none?.(count()), o.a.g?.(count()),
      thrown(() => o.g()), delete none?.x, (none?.a, 1), thrown(() => (none?.a).b), o.a?.["v"], calls,
      null?.x, (o?.a).v, o.a?.f?.()];
  `,
  "logical assignment evaluates no more than it needs": js`
    const log = [];
    const o = { get a() { log.push("get"); return null; }, set a(v) { log.push("set " + v); }, b: 0, c: 1 };
    o.a ??= 5; o.b ||= 6; o.c &&= 7; o.b &&= 8; o.c ||= log.push("never"); o.c ??= log.push("never");
    const frozen = Object.freeze({ x: 1 });
    return [o.b, o.c, log, frozen.x ||= 2, thrown(() => { frozen.x &&= 2; })];
  `,
});
