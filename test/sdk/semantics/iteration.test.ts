import { js, specify } from "./specify.ts";

specify("destructuring, iterators and generators", {
  "defaults stand for undefined only, and are computed when needed": js`
    let made = 0;
    const { a = ++made, b = ++made, c: { d = 5 } = {}, ...rest } = { a: null, b: undefined, x: 1, y: 2 };
    const [p = ++made, , q = p * 10, ...r] = [undefined, 1, undefined, 3, 4];
    return [a, b, d, rest, p, q, r, made];
  `,
  "a default sees what stands before it, not after": js`
    const f = (a, b = a + 1, c = b * 2) => [a, b, c];
    const g = (a = b, b = 1) => a;
    return [f(1), f(1, 5), thrown(() => g()), thrown(() => { const { x = y, y = 1 } = {}; })];
  `,
  "assignment to any target, in order": js`
    const log = [], o = {};
    const target = (name) => { log.push(name); return o; };
    [target("first").a, target("second")["b"] = log.push("default")] = [1];
    ({ x: o.c, ["y" + 1]: [o.d] } = { x: 2, y1: [3] });
    let m = 1, n = 2;
    [m, n] = [n, m];
    return [o, log, m, n];
  `,
  "null and undefined cannot be destructured, other primitives can": js`
    const { length } = "abc";
    const [first] = "xyz";
    const { toFixed } = 5;
    return [length, first, typeof toFixed, thrown(() => { const {} = null; }),
      thrown(() => { const [] = undefined; }), thrown(() => { const [x] = {}; }),
      thrown(() => { const [x] = 5; })];
  `,
  "computed keys, symbols and rest that leaves out": js`
    const s = Symbol("s"), key = "k";
    const { [key]: k, [s]: v, ...rest } = { k: 1, [s]: 2, z: 3, [Symbol.for("t")]: 4, 0: 5 };
    const proto = Object.create({ inherited: 1 }, { hidden: { value: 1 } });
    const { ...own } = proto;
    return [k, v, rest, own];
  `,
  "an array pattern takes no more than it needs and closes the rest": js`
    const log = [];
    const source = () => ({ [Symbol.iterator]: () => ({ n: 0,
      next() { log.push("next"); return { value: this.n++, done: false }; },
      return() { log.push("return"); return {}; } }) });
    const [a, , b] = source();
    const [] = source();
    const failed = thrown(() => { const [x = (() => { throw "no";
      })()] = { [Symbol.iterator]: () => ({ next: () => ({ value: undefined, done: false }),
      return() { log.push("closed"); throw "hidden"; } }) }; });
    return [a, b, log, failed];
  `,
  "parameters may be patterns": js`
    const f = ({ a, b: [c] = [9] }, [d, e = a] = [], ...[g, h]) => [a, c, d, e, g, h];
    return [f({ a: 1, b: [2] }, [3], 4, 5), f({ a: 1 }), f.length, ((a, b = 1, c) => 1).length,
      (function (...r) {}).length];
  `,
  "for of with patterns, and a new variable each turn": js`
    const all = [], functions = [];
    for (const [key, { v = 5 }] of new Map([["a", { v: 1 }], ["b", {}]])) { all.push([key, v]);
      functions.push(() => key); }
    for (let [i, n] = [0, 2]; i < n; i++) functions.push(() => i);
    return [all, functions.map((f) => f())];
  `,
  "leaving a loop closes its iterator, finishing does not": js`
    const log = [];
    const source = (name, size) => ({ i: 0, [Symbol.iterator]() { return this; },
      next() { return { value: this.i, done: this.i++ >= size }; },
      return() { log.push(name); return {}; } });
    for (const _ of source("finished", 2));
    for (const _ of source("broken", 2)) break;
    outer: for (const _ of source("outer", 2)) for (const _ of source("inner", 2)) continue outer;
    (() => { for (const _ of source("returned", 2)) return; })();
    try { for (const _ of source("thrown", 2)) throw 1; } catch {}
    return log;
  `,
  "what return of an iterator throws gives way to what the loop threw": js`
    const source = (result) => ({ [Symbol.iterator]: () => ({ next: () => ({ value: 1, done: false }),
      return() { return result(); } }) });
    return [thrown(() => { for (const _ of source(() => { throw "return"; })) throw "body"; }),
      thrown(() => { for (const _ of source(() => { throw "return"; })) break; }),
      thrown(() => { for (const _ of source(() => 5)) break; }),
      thrown(() => { for (const _ of { [Symbol.iterator]: () => ({ next: () => 5 }) }); })];
  `,
  "an iterator that is done answers done": js`
    const values = [1].values();
    const map = new Map([[1, 2]]).entries();
    return [values.next(), values.next(), values.next(), map.next(), map.next(), map.next(), [...values]];
  `,
  "iteration sees what is added while it runs": js`
    const array = [1, 2], seen = [];
    for (const one of array) { seen.push(one); if (array.length < 5) array.push(one * 10); }
    const set = new Set([1, 2, 3]), from = [];
    for (const one of set) { from.push(one); set.delete(one); if (one < 3) set.add(one + 10); }
    return [seen, from];
  `,
  "spread takes any iterable in calls, arrays; any object in objects": js`
    const count = (...all) => all.length;
    return [[..."a😀", ...new Set([1]), ...[, 2]], count(...[1, 2], 3, ..."ab"),
      { ...[1, 2], ...null, ...5, ...{ 0: "x" } }, Math.max(...new Set([3, 9])), thrown(() => [...{}]),
      thrown(() => count(...undefined)), new Array(...[1, 2])];
  `,
  "a generator's next sends values in": js`
    function* g(first) { const a = yield first; const b = yield a * 2; return a + b; }
    const run = g(1);
    return [run.next("lost"), run.next(10), run.next(5), run.next(), run[Symbol.iterator]() === run,
      String(run)];
  `,
  "a generator's return runs finally, which may yield or return": js`
    const log = [];
    function* g() { try { yield 1; yield 2; } finally { log.push("finally"); yield "clean";
      log.push("after"); } }
    function* over() { try { yield 1; } finally { return "mine"; } }
    const run = g(), other = over(), unstarted = g();
    return [run.next(), run.return("end"), run.next(), run.next(), other.next(), other.return("yours"),
      unstarted.return(7), unstarted.next(), log];
  `,
  "a generator's throw is thrown at the yield": js`
    function* g() { for (;;) { try { yield 1; } catch (reason) { yield "caught " + reason; } } }
    const run = g(), unstarted = g();
    return [run.next(), run.throw("a"), run.next(), thrown(() => unstarted.throw("b")), unstarted.next()];
  `,
  "a generator that runs cannot be resumed": js`
    let run;
    function* g() { run.next(); }
    run = g();
    return [thrown(() => run.next()), run.next()];
  `,
  "yield* hands everything through": js`
    const log = [];
    function* inner() { try { const got = yield "i1"; log.push(got); yield "i2"; return "result";
      } catch (reason) { log.push(reason); yield "recovered"; } finally { log.push("inner over"); } }
    function* outer() { log.push(yield* inner()); yield* "ab"; return 1; }
    const a = outer(), b = outer(), c = outer();
    return [a.next(), a.next("sent"), a.next(), [...a], b.next(), b.throw("x"), b.next(), c.next(),
      c.return("r"), log];
  `,
  "yield* closes an iterator that has no throw": js`
    const log = [];
    const source = { [Symbol.iterator]: () => ({ next: () => ({ value: 1, done: false }),
      return() { log.push("return"); return {}; } }) };
    function* g() { yield* source; }
    const run = g();
    run.next();
    return [thrown(() => run.throw("x")), log];
  `,
  "yield is an expression of low precedence": js`
    function* g() { const a = [yield 1, yield 2]; const b = (yield) ? "yes" : "no"; yield [a, b]; yield; }
    const run = g();
    return [run.next(), run.next("x"), run.next("y"), run.next(true), run.next(), run.next()];
  `,
  "generators are made by functions, methods and computed names, and not by new": js`
    const o = { *a() { yield 1; }, *["b"]() { yield 2; }, *[Symbol.iterator]() { yield 3; } };
    class C { static *make() { yield this.name; } }
    function* g() {}
    return [[...o.a()], [...o.b()], [...o], [...C.make()], thrown(() => new g()), g() instanceof g,
      Object.getPrototypeOf(g()) === g.prototype];
  `,
  "a generator's arguments are taken at once, its body later": js`
    const log = [];
    function* g(a = log.push("default")) { log.push("body"); yield a; }
    const run = g();
    log.push("made");
    run.next();
    return [log, thrown(() => { function* h({ x }) {} h(null); })];
  `,
  "iterator helpers are lazy and close their source": js`
    const log = [];
    function* source() { try { for (let i = 0; ; i++) { log.push(i); yield i;
      } } finally { log.push("closed"); } }
    const result = source().filter((x) => x % 2).map((x, i) => [x, i]).drop(1).take(2).toArray();
    return [result, log];
  `,
  "iterator helpers that end the iteration": js`
    function* g() { yield* [1, 2, 3, 4]; }
    return [g().reduce((a, b) => a + b), g().reduce((a, b) => a + b, 10), g().some((x) => x > 2),
      g().every((x) => x > 2), g().find((x) => x > 2), g().flatMap((x) => [x, x]).take(3).toArray(),
      thrown(() => [].values().reduce((a) => a)),
      (() => { const all = []; g().forEach((x, i) => all.push([x, i])); return all; })()];
  `,
  "iterator helpers check what they are given": js`
    return [thrown(() => [1].values().take(-1)), thrown(() => [1].values().drop(NaN)),
      thrown(() => [1].values().map(5)), thrown(() => Iterator.prototype.map.call(5, (x) => x)),
      [1, 2].values().take(Infinity).toArray(), [1, 2].values().take(0).toArray(),
      thrown(() => [1].values().flatMap((x) => x).next()), thrown(() => new Iterator())];
  `,
  "Iterator.from wraps whatever has a next": js`
    let n = 0;
    const bare = { next: () => ({ value: ++n, done: n > 3 }) };
    class Mine extends Iterator { i = 0; next() { return { value: this.i, done: this.i++ > 2 }; } }
    return [Iterator.from(bare).map((x) => x * 2).toArray(), new Mine().toArray(),
      Iterator.from("ab").toArray(), [].values() instanceof Iterator,
      Iterator.from({ [Symbol.iterator]: function* () { yield 5; } }).next()];
  `,
  "entries, keys and values": js`
    return [[...["a", , "c"].entries()], [...["a", , "c"].keys()], [...new Map([["k", 1]])],
      [...new Set("aab").entries()], Object.fromEntries(new Map([["x", 1]]).entries()),
      Object.prototype.toString.call([].values()), Object.prototype.toString.call(new Map().keys())];
  `,
  "Array.from by iterator, by length, by map": js`
    return [Array.from("a😀"), Array.from({ length: 3 }, (_, i) => i * i), Array.from(new Map([[1, 2]])),
      Array.from({ 0: "a", 2: "c", length: 3 }), Array.from({ length: -1 }),
      Array.from.call(function (n) { this.given = n; }, { length: 2 }), thrown(() => Array.from(null)),
      thrown(() => Array.from([1], 5))];
  `,
});
