import { js, specify } from "./specify.ts";

specify("errors", {
  "cause is there when it was given": js`
    const with_ = new Error("a", { cause: undefined }), without = new Error("a", {}),
      number = new RangeError("b", { cause: 5 });
    return ["cause" in with_, "cause" in without, number.cause,
      Object.getOwnPropertyDescriptor(number, "cause"), new Error("a", "text").cause,
      new AggregateError([], "m", { cause: 1 }).cause];
  `,
  "AggregateError takes an iterable": js`
    const error = new AggregateError(new Set([1, 2]), "all");
    return [error.errors, error.message, error.name, error instanceof Error,
      Object.getOwnPropertyDescriptor(error, "errors"), thrown(() => new AggregateError(5)),
      AggregateError([]) instanceof AggregateError];
  `,
  "message is own, hidden, and absent without an argument": js`
    const error = new TypeError("text");
    return [Object.getOwnPropertyDescriptor(error, "message"), Object.hasOwn(new Error(), "message"),
      Object.hasOwn(new Error(undefined), "message"), new Error(null).message,
      new Error({ toString: () => "made" }).message, Object.keys(error), JSON.stringify(error),
      thrown(() => new Error(Symbol()))];
  `,
  "toString puts name and message together": js`
    const show = (name, message) => Error.prototype.toString.call({ name, message });
    return [show("A", "b"), show("", "b"), show("A", ""), show(undefined, undefined), show("A"),
      String(new EvalError("x")), String(Object.assign(new Error("m"), { name: "Own" })),
      thrown(() => Error.prototype.toString.call(5))];
  `,
  "every kind is a function, and a subclass of Error": js`
    return [RangeError, TypeError, SyntaxError, ReferenceError, EvalError,
      URIError].map((Kind) => [Kind.name, Kind("m") instanceof Kind, new Kind() instanceof Error,
      Object.getPrototypeOf(Kind) === Error, Kind.prototype.name, Kind.prototype.message, Kind.length]);
  `,
  "a class of one's own": js`
    class NotFound extends Error { name = "NotFound";
      constructor(what, options) { super("no " + what, options); this.what = what; } }
    const error = new NotFound("x", { cause: 1 });
    return [String(error), error.what, error.cause, error instanceof NotFound, error instanceof Error,
      Object.prototype.toString.call(error), typeof error.stack, Object.keys(error)];
  `,
  "what the language itself throws": js`
    return [() => null.x, () => undefined(), () => x, () => { let x = x; }, () => 1n + 1,
      () => new (() => {})(), () => [].reduce((a) => a), () => new Array(-1), () => "a".repeat(-1),
      () => ({}).x.y, () => decodeURI("%"), () => JSON.parse("{"), () => new RegExp("("),
      () => Symbol() + "", () => Object.defineProperty(Object.freeze({}), "a", {}), () => 5 in "a",
        () => ({}) instanceof 5, () => new Proxy({}, null), () => BigInt(0.5), () => null[Symbol.iterator],
        () => { class A extends null {} new A(); }, () => Reflect.ownKeys(1), () => new Uint8Array(-1),
        () => Object.setPrototypeOf(Object.preventExtensions({}), {}),
      () => { const a = {}; Object.setPrototypeOf(a, Object.create(a)); },
        () => new Date(NaN).toISOString(), () => (1).toFixed(200),
        () => new DataView(new ArrayBuffer(1)).getInt16(0), () => new Promise(), () => Promise(),
        () => new Symbol(), () => Map(), () => (void 0)\`\`].map(thrown);
  `,
  "anything can be thrown and caught as it is": js`
    const values = [undefined, null, 0, "", NaN, Symbol.iterator, 5n, [1]];
    return values.map((value) => { try { throw value; } catch (caught) { return Object.is(caught, value);
      } });
  `,
  "finally decides last": js`
    const a = () => { try { return 1; } finally { return 2; } };
    const b = () => { try { throw 1; } finally { return 2; } };
    const c = () => { for (;;) { try { return 1; } finally { break; } } return 3; };
    const d = () => { let n = 0; for (let i = 0; i < 3;
      i++) { try { continue; } finally { n++; } } return n; };
    const e = () => { let x = 1; try { return x; } finally { x = 2; } };
    const f = () => { try { try { throw 1; } finally { throw 2; } } catch (reason) { return reason; } };
    const g = () => { l: try { return 1; } finally { break l; } return 4; };
    return [a(), b(), c(), d(), e(), f(), g()];
  `,
  "finally runs once and in order": js`
    const log = [];
    const run = (how) => {
      try { log.push("try"); if (how === "throw") throw "x"; if (how === "return") return "r";
        log.push("end"); }
      catch { log.push("catch"); return "c"; }
      finally { log.push("finally"); }
      return "e";
    };
    return [run("throw"), run("return"), run(), log];
  `,
  "catch binds patterns and its own scope": js`
    let reason = "outer";
    try { throw { a: [1, 2], code: 5 }; } catch ({ a: [, second], code = 1,
      missing = "default" }) { reason += second + code + missing; }
    try { throw "inner"; } catch (reason) { let inner = reason; }
    return [reason, thrown(() => { try { throw null; } catch ({ x }) {} })];
  `,
  "a throw in a getter, a setter, valueOf or toString reaches the caller": js`
    const o = { get a() { throw "get"; }, set a(v) { throw "set"; }, valueOf() { throw "valueOf"; },
      toString() { throw "toString"; } };
    return [thrown(() => o.a), thrown(() => { o.a = 1; }), thrown(() => +o), thrown(() => \`\${o}\`),
      thrown(() => ({ ...o })), thrown(() => [o].join()), thrown(() => o == 1), thrown(() => ({})[o])];
  `,
  "code after what threw is not run": js`
    const log = [];
    const step = (name) => { log.push(name); if (name === "bad") throw name; return name; };
    thrown(() => [step("a"), step("bad"), step("c")]);
    thrown(() => ({ a: step("d"), [step("bad")]: step("e") }));
    thrown(() => step("f") + step("bad") + step("g"));
    thrown(() => log.push(step("bad"), step("h")));
    return log;
  `,
  "Error.isError": js`
    return [Error.isError(new TypeError()), Error.isError({ __proto__: Error.prototype }),
      Error.isError("x"), Error.isError(Object.setPrototypeOf(new Error(), null))];
  `,
  "a stack is a text that names the functions": js`
    function inner() { return new Error("m").stack; }
    function outer() { return inner(); }
    const stack = outer();
    return [typeof stack, stack.includes("inner"), stack.includes("outer"),
      stack.indexOf("inner") < stack.indexOf("outer")];
  `,
  "suppressed errors of using": js`
    const log = [];
    const made = (name) => ({ [Symbol.dispose]() { log.push(name); throw name; } });
    let caught;
    try { using a = made("a"), b = made("b"); log.push("body"); throw "body";
      } catch (error) { caught = error; }
    return [log, caught.name, caught.error, caught.suppressed.error, caught.suppressed.suppressed];
  `,
});
