import { js, specify } from "./specify.ts";

specify("the language", {
  "closures keep variables, not values": js`
    const make = () => { let n = 0; return { up: () => ++n, get: () => n }; };
    const a = make(), b = make();
    a.up(); a.up(); b.up();
    const varFunctions = [];
    for (var i = 0; i < 3; i++) varFunctions.push(() => i);
    const letFunctions = [];
    for (let j = 0; j < 3; j++) { letFunctions.push(() => j); j += 0; }
    const changed = [];
    for (let k = 0; k < 4; k++) { changed.push(() => k); k++; }
    return [a.get(), b.get(), varFunctions.map((f) => f()), letFunctions.map((f) => f()),
      changed.map((f) => f())];
  `,
  "a loop's own variable is copied after its body": js`
    const functions = [];
    for (let i = 0, get = () => i; i < 2; i++) functions.push(get, () => i);
    return functions.map((f) => f());
  `,
  "let, const and class have a time in which they are dead": js`
    return [thrown(() => { x; let x = 1; }), thrown(() => { typeof y; let y; }),
      thrown(() => { f(); const z = 1; function f() { return z; } }),
      thrown(() => { for (const a of [a]); }), thrown(() => { let q = q + 1; }),
      (() => { let u; return u; })(), thrown(() => ((a = b, b) => a)()), typeof neverDeclared,
      thrown(() => { w = 1; let w; })];
  `,
  "var and functions are hoisted": js`
    const before = [typeof hoisted, typeof f, f()];
    var hoisted = 1;
    function f() { return "f"; }
    if (true) { function inner() { return "inner"; } }
    return [before, hoisted, typeof inner, (() => { var x = 1; { var x = 2; } return x; })(),
      (() => { var a = a; return a; })()];
  `,
  "a block's names end with it and shadow": js`
    let x = "outer";
    { let x = "inner"; { const x = "innermost"; } }
    const f = (x) => { { let x = 2; } return x; };
    function g(a) { var a; return a; }
    function h(a, b = () => a) { var a = 5; return [a, b()]; }
    return [x, f(1), g(7), h(1), ((a, b = a) => { a = 9; return b; })(1)];
  `,
  "switch has one scope, falls through, and compares strictly": js`
    const run = (v) => { const log = []; switch (v) { case 1: log.push(1); case 2: log.push(2); break;
      default: log.push("d"); case "1": log.push("text"); } return log; };
    const scoped = (v) => { switch (v) { case 0: let x; return thrown(() => y); case 1: x = 5; return x;
      default: let y = 1; return y; } };
    const order = [];
    const note = (v) => { order.push(v); return v; };
    switch (3) { case note(1): case note(3): break; case note(4): }
    return [run(1), run(2), run("1"), run(9), scoped(0), thrown(() => scoped(1)), scoped(2), order,
      (() => { switch (NaN) { case NaN: return "never"; } return "no match"; })()];
  `,
  "labels lead out of blocks and on in loops": js`
    const log = [];
    outer: for (let i = 0; i < 3; i++) { for (let j = 0; j < 3; j++) { if (j === 1) continue outer;
      if (i === 2) break outer; log.push([i, j]); } }
    block: { log.push("in"); if (log.length) break block; log.push("never"); }
    a: b: for (;;) break a;
    let n = 0;
    again: do { n++; if (n < 3) continue again; break; } while (true);
    return [log, n];
  `,
  "operands are evaluated from left to right, the target first": js`
    const log = [];
    const note = (name, value) => { log.push(name); return value; };
    const o = { a: 1 };
    note("object", o)[note("key", "a")] = note("value", 2);
    note("a", 1) + note("b", 2) * note("c", 3);
    note("f", (...all) => all)(note("x", 1), note("y", 2));
    note("l", { valueOf() { log.push("l as number"); return 1; } }) < note("r",
      { valueOf() { log.push("r as number"); return 2; } });
    o[note("k", "a")] += note("v", 1);
    let i = 1;
    const sum = i + (i = 5) + i++ + ++i;
    return [log, o, sum, i];
  `,
  "a key is made a text once": js`
    let made = 0;
    const key = { toString() { made++; return "k"; } };
    const o = { k: 1 };
    o[key] = 3; o[key]; key in o; ({ [key]: made });
    return [o, made];
  `,
  "comma, void, conditional and grouping": js`
    let n = 0;
    return [(n++, n++, n), void n, (1, 2, 3), true ? false ? 1 : 2 : 3, (0, { f() { return this; } }.f)(),
      [(1, 2)].length, n = 5, typeof void 0];
  `,
  "?? does not take what is false": js`
    return [0 ?? 1, null ?? 1, undefined ?? null ?? 2, "" ?? 1, (false || null) ?? 3, false && x_never,
      0 || "or", NaN ?? 1];
  `,
  "unary operators and the order of **": js`
    let x = 2;
    return [-(2 ** 2), (-2) ** 2, typeof typeof 1, !!"0", - -1, +-+1, ~~5.7,       x++ + ++x, x-- - --x];
  `,
  delete: js`
    const o = { a: 1, get b() { return 1; } };
    const a = [1, 2, 3];
    return [delete o.a, delete o.missing, o, delete a[1], a, a.length,
      thrown(() => { delete Object.prototype; }), delete 5, thrown(() => { delete [].length; }),
      delete o?.b, Reflect.deleteProperty([], "length")];
  `,
  "in and instanceof": js`
    return ["a" in { a: undefined }, 0 in [1], 1 in [1], "length" in [], "toString" in {},
      Symbol.iterator in [], thrown(() => "a" in "abc"), [] instanceof Object,
      Object.create(null) instanceof Object, (() => {}) instanceof Function, 5 instanceof Number];
  `,
  this: js`
    const o = { f() { return this === o; }, arrow: () => typeof this,
      nested() { return [1].map(() => this === o)[0]; },
      plain() { return (function () { return this; })(); } };
    const { f } = o;
    return [o.f(), f(), (o.f)(), (o.f = o.f)(), o.nested(), o.plain(), o["f"](),
      new (class { x = this; })().x !== undefined,
      (() => { class A { m() { return this; } } const { m } = new A(); return m(); })(),
      (function () { return typeof this; }).call(5)];
  `,
  "the global object": js`
    globalThis.made = 1;
    return [made, typeof globalThis, Object.prototype.toString.call(globalThis).length > 0,
      thrown(() => { undefined = 1; }), thrown(() => { NaN = 1; }),
      thrown(() => { globalThis.Infinity = 1; }), delete globalThis.made, typeof made,
      Object.getOwnPropertyDescriptor(globalThis, "undefined")];
  `,
  "eval has its own scope, and indirect eval the global one": js`
    const local = 1;
    globalThis.forEval = 2;
    const indirect = eval;
    return [indirect("typeof local"), indirect("forEval"), indirect("var fromEval = 3; fromEval + 1"),
      typeof fromEval, indirect("(function () { return typeof this; })()"), eval.call(null, "1;;;"),
      indirect("if (false) 1"), indirect("do { 2; break; } while (0)"), indirect(5),
      indirect("'use strict'; var hidden = 1"), typeof hidden, thrown(() => indirect("}"))];
  `,
  "new Function sees globals only, and is sloppy": js`
    const local = 1;
    return [new Function("a", "b", "return a + b")(1, 2), new Function("a, b", "return [a, b]")(1, 2),
      Function("return typeof local")(), new Function("return typeof this")(),
      String(new Function("a", "return a")), thrown(() => new Function("return }")),
      new Function("x = 1", "...y", "return [x, y]")(undefined, 2)];
  `,
  "automatic semicolons": js`
    const f = () => {
      return
      1;
    };
    let a = 1
    let b = a
    ++b
    const c = a
    + 1
    let i = 0
    do i++; while (i < 3) i++
    return [f(), a, b, c, i]
  `,
  "names may have any letters, and escapes": js`
    const ünïcödé = 1, \u0061bc = 2, $ = 3, _ = 4, 变量 = 5, ℮ = 6, async = 7, of = 8, get = 9;
    return [ünïcödé, abc, $, _, 变量, \u{212e}, async, of, get, { if: 1, class: 2, new: 3 }.class];
  `,
  "functions in expressions have a name of their own that cannot be written": js`
    const f = function own(n) { return n === 0 ? "end" : own(n - 1); };
    return [f(3), thrown(() => (function own() { own = 1; })()), typeof own,
      (function own(own) { return own; })(5)];
  `,
  "comments, line ends and other white space": js`
    const a = 1; /* one
    two */ const b = 2; // rest const c = 3;
    const d = "a\u2028b";/**/const e/* */=/* */5;
    return [a, b, d.length, e, 1/*
    */+ 2];
  `,
  "using closes in reverse, also async": js`
    const log = [];
    const made = (name) => ({ [Symbol.dispose]() { log.push(name); } });
    const later = (name) => ({ async [Symbol.asyncDispose]() { await null; log.push(name); } });
    { using a = made("a"), b = made("b"), none = null; log.push("body"); }
    for (using x of [made("x"), made("y")]) log.push("turn");
    await (async () => { await using c = later("c"); using d = made("d"); log.push("async body"); })();
    return [log, thrown(() => { using bad = {}; })];
  `,
  "deep nesting of expressions and functions": js`
    const nested = [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]];
    const add = (a) => (b) => (c) => (d) => (e) => a + b + c + d + e;
    let depth = 0;
    const down = (n) => (n === 0 ? 0 : 1 + down(n - 1));
    return [nested.flat(Infinity), add(1)(2)(3)(4)(5), down(100)];
  `,
  "a function of a hundred parameters and a call of ten thousand arguments": js`
    const f = new Function(...Array.from({ length: 100 }, (_, i) => "a" + i),
      "return a0 + a99 + arguments.length");
    return [f(...Array.from({ length: 100 }, (_, i) => i)),
      Math.max(...Array.from({ length: 10000 }, (_, i) => i)),
      String.fromCharCode(...new Uint8Array(5000).fill(65)).length];
  `,
});
