import { js, specify } from "./specify.ts";

specify("classes", {
  "private names are of the class, not of the object": js`
    class A {
      #x = 1; static #count = 0; #m() { return this.#x; } get #g() { return this.#x * 2;
        } set #g(v) { this.#x = v; }
      constructor() { A.#count++; }
      run() { this.#g = 5; this.#x **= 2; return [this.#m(), this.#g, #x in this, #x in {}, A.#count]; }
      static steal(o) { return o.#x; }
    }
    return [new A().run(), thrown(() => A.steal({})), thrown(() => A.steal(new Proxy(new A(), {}))),
      Object.keys(new A())];
  `,
  "two classes of one text have private names of their own": js`
    const make = () => class { #x = 1; static read(o) { return o.#x; } };
    const [A, B] = [make(), make()];
    return [A.read(new A()), thrown(() => A.read(new B()))];
  `,
  "a private field is added once": js`
    class Base { constructor(o) { return o; } }
    class Stamp extends Base { #x = 1; static has(o) { return #x in o; } }
    const o = {};
    new Stamp(o);
    return [Stamp.has(o), thrown(() => new Stamp(o)), Object.keys(o), thrown(() => Stamp.has(5))];
  `,
  "fields are made in order, with this, before the constructor's body": js`
    const log = [];
    class A { a = log.push("a"); constructor() { log.push("A"); this.show(); } show() { log.push("A.show");
      } }
    class B extends A { b = (log.push("b"), this.a); ["c" + log.push("key")] = 1;
      constructor() { log.push("before"); super(); log.push("B"); } show() { log.push("b is " + this.b); } }
    const b = new B();
    return [log, b, thrown(() => { class C { x = y; } new C(); })];
  `,
  "computed keys are evaluated once, when the class is": js`
    let n = 0;
    class A { ["k" + n++] = n; static ["s" + n++]() {} ["m" + n++]() {} get ["g" + n++]() { return 1; } }
    n = 50;
    return [n, new A(), new A(), Object.getOwnPropertyNames(A.prototype), Object.hasOwn(A, "s1")];
  `,
  "a field defines, it does not assign": js`
    const log = [];
    class A { set x(v) { log.push("setter"); } }
    class B extends A { x = 1; }
    class C extends A { constructor() { super(); this.x = 2; } }
    return [Object.keys(new B()), Object.keys(new C()), log,
      class { name = 1; static length = "own" }.length];
  `,
  "static blocks and fields run in order, with this and super": js`
    const log = [];
    class Base { static who() { return "base of " + this.name; } }
    class A extends Base { static a = log.push("a");
      static { log.push(this === A, super.who()); } static #p = 7;
      static { this.b = A.#p; var local = 1; } static c = this.b + 1; }
    return [log, A.a, A.b, A.c, thrown(() => { class B { static { throw 1; } } })];
  `,
  "super reaches members of the base by the object of the method": js`
    class A { v() { return "A"; } get g() { return "A.g of " + this.name; } static s() { return "static";
      } set w(x) { this.written = x; } }
    class B extends A { name = "b"; v() { return super.v() + "B"; } get g() { return super.g;
      } static s() { return super.s() + "!"; } arrow() { return (() => super.v())(); } w2() { super.w = 1;
      super.own = 2; return [this.written, this.own]; } ["computed"]() { return super["v"](); } }
    const b = new B();
    const { v } = b;
    const o = { __proto__: { f() { return "proto " + this.x; } }, x: 1, f() { return super.f(); } };
    return [b.v(), b.g, B.s(), b.arrow(), b.w2(), b.computed(), v.call({}), o.f(), { f: o.f, x: 5 }.f(),
      super_missing(b)];
    function super_missing() { return thrown(() => { class C extends A { m() { super.missing();
      } } new C().m(); }); }
  `,
  "this is not there before super, and super runs once": js`
    class A { constructor() { this.n = 1; } }
    return [thrown(() => { class B extends A { constructor() { this.x; super(); } } new B(); }),
      thrown(() => { class B extends A { constructor() {} } new B(); }),
      thrown(() => { class B extends A { constructor() { super(); super(); } } new B(); }),
      (() => { class B extends A { constructor() { const call = () => super(); call(); this.m = 2;
      } } return new B(); })(), thrown(() => { class B extends A { constructor() { return 1; } } new B();
      }), (() => { class B extends A { constructor() { return { own: 1 }; } } return new B(); })()];
  `,
  "new.target": js`
    class A { constructor() { this.t = new.target.name; this.arrow = (() => new.target === B)(); } }
    class B extends A {}
    function F() { return new.target === undefined ? "call" : { made: new.target === F }; }
    return [new A(), new B(), F(), new F(), Reflect.construct(F, [], B).made, [F].map((f) => f())];
  `,
  "a class cannot be called, its members are hidden, its name is fixed inside": js`
    class A { m() {} static s() {} get g() { return 1; } }
    const B = class Inner { static test() { return Inner === B; } };
    return [thrown(() => A()), Object.keys(A.prototype), Object.keys(A), B.name, B.test(),
      "prototype" in A.prototype.m, thrown(() => new (new A().m)()),
      Object.getOwnPropertyDescriptor(A, "prototype").writable, typeof A];
  `,
  "a class is not there before its declaration": js`
    const early = thrown(() => new Late());
    class Late {}
    return [early, thrown(() => { class X extends X {} })];
  `,
  "extends takes any constructor or null": js`
    function F(x) { this.x = x; }
    F.prototype.twice = function () { return this.x * 2; };
    class A extends F {}
    class N extends null { static s() { return 1; } }
    return [new A(4).twice(), N.s(), Object.getPrototypeOf(N.prototype),
      Object.getPrototypeOf(N) === Function.prototype, thrown(() => { class B extends 5 {} }),
      thrown(() => { class B extends (() => {}) {} }),
      thrown(() => { function G() {} G.prototype = 3; class B extends G {} }),
      new (class extends (0, class { c = 1; }) {})()];
  `,
  "built-in classes can be extended": js`
    class Stack extends Array { top() { return this.at(-1); } }
    class Counter extends Map { add(key) { return this.set(key, (this.get(key) ?? 0) + 1); } }
    class Text extends String { shout() { return this.toUpperCase() + "!"; } }
    class Fn extends Function {}
    const stack = Stack.from([1, 2, 3]);
    return [stack.top(), stack.map((x) => x * 2) instanceof Stack, stack.length,
      new Counter([["a", 1]]).add("a").get("a"), new Text("hi").shout(), new Text("hi").length,
      Array.isArray(stack), (stack.length = 1, [...stack]), stack.concat([5]) instanceof Stack,
      typeof new Fn("return 1")];
  `,
  "accessors of static and instance side": js`
    class A { static #i = null; static get one() { return (A.#i ??= new A()); } #v = 0;
      get v() { return this.#v; } set v(x) { if (x < 0) throw new RangeError("x"); this.#v = x; } }
    A.one.v = 5;
    A.one.v += 2;
    return [A.one.v, A.one === A.one, thrown(() => { A.one.v = -1; }), thrown(() => { A.one = 1; })];
  `,
  mixins: js`
    const Named = (Base) => class extends Base { name = "n";
      hello() { return "hello " + (super.hello?.() ?? "nobody"); } };
    const Aged = (Base) => class Aged extends Base { age = 1; hello() { return "aged"; } };
    class Person extends Named(Aged(Object)) {}
    return [new Person(), new Person().hello(), Named(Object).name,
      Object.getPrototypeOf(Object.getPrototypeOf(Person)).name];
  `,
  "instanceof follows the prototype as it is now": js`
    class A {} class B extends A {}
    const b = new B();
    const before = [b instanceof A, A.prototype.isPrototypeOf(b)];
    Object.setPrototypeOf(B.prototype, {});
    function F() {}
    const f = new F();
    F.prototype = {};
    return [before, b instanceof A, f instanceof F, f.constructor === F, thrown(() => ({}) instanceof {}),
      F.bind() instanceof Function, new F() instanceof F.bind()];
  `,
  "accessor keys of every kind": js`
    class A { "a b" = 1; 5 = 2; static async *"g h"() { yield 1; } get "x-y"() { return 3;
      } 1n() { return 4; } 0x10() { return 5; } static() { return 6; } async() { return 7;
      } get get() { return 8; } await = 9; }
    const a = new A();
    return [a["a b"], a[5], (await A["g h"]().next()).value, a["x-y"], a[1](), a[16](), a.static(),
      a.async(), a.get, a.await];
  `,
});
