import { js, specify } from "./specify.ts";

specify("JSON", {
  "stringify leaves out what JSON does not have": js`
    return [JSON.stringify({ a: undefined, b: () => 1, c: Symbol(), d: NaN, e: null, f: -0, g: Infinity,
      [Symbol("k")]: 1 }), JSON.stringify([undefined, () => 1, Symbol()]), JSON.stringify(undefined),
      JSON.stringify(() => 1), JSON.stringify(Symbol()), thrown(() => JSON.stringify(1n)),
      JSON.stringify(null), JSON.stringify("x")];
  `,
  "toJSON gets the key, and is asked before the replacer": js`
    const keys = [];
    const o = { toJSON(key) { keys.push(key); return { made: key }; } };
    return [JSON.stringify(o), JSON.stringify({ a: o, b: [o] }), keys, JSON.stringify({ d: new Date(0) }),
      JSON.stringify({ a: o }, (key, value) => (key === "a" ? value.made : value)),
      JSON.stringify({ toJSON: 5 })];
  `,
  "a replacer function sees every value with its holder": js`
    const seen = [];
    const text = JSON.stringify({ a: [1, { b: 2 }], c: "x" },
      function (key, value) { seen.push([key, Array.isArray(this)]);
      return typeof value === "number" ? value + 1 : value; });
    return [text, seen, JSON.stringify({ a: 1 }, () => undefined)];
  `,
  "a replacer list names the members and their order": js`
    return [JSON.stringify({ a: 1, b: { a: 2, c: 3 }, c: 4 }, ["c", "b", "a", "c"]),
      JSON.stringify({ 1: "x", true: 2 }, [1, true, new String("true")]),
      JSON.stringify([{ a: 1, b: 2 }], ["b"]), JSON.stringify({ a: 1 }, [])];
  `,
  "indents by number or text, ten at most": js`
    const o = { a: [1, { b: 2 }], e: [], f: {} };
    return [JSON.stringify(o, null, 2), JSON.stringify(o, null, "--"), JSON.stringify([1], null, 20),
      JSON.stringify([1], null, "abcdefghijklm"), JSON.stringify([1], null, 1.9),
      JSON.stringify([1], null, -1), JSON.stringify([1], null, new Number(1)),
      JSON.stringify([[]], null, "")];
  `,
  "stringify is well-formed": js`
    return [JSON.stringify("\u2028\u2029\b\f\n\r\t\v\0\x1f\x7f\"\\/é😀"), JSON.stringify("\ud800"),
      JSON.stringify("a\udc00b"), JSON.stringify("\ud83d\ude00"), JSON.stringify({ "\ud800": 1 })];
  `,
  "stringify unwraps what wraps primitives": js`
    return [JSON.stringify([new Number(1), new String("s"), new Boolean(false), Object(Symbol())]),
      thrown(() => JSON.stringify(Object(1n))),
      JSON.stringify(Object.assign(new Number(3), { valueOf: () => 4 })), JSON.stringify(new Map([[1, 2]])),
      JSON.stringify(new Uint8Array(2)), JSON.stringify(/a/), JSON.stringify(new Error("x")),
      JSON.stringify(new Proxy([1], {}))];
  `,
  "cycles are told": js`
    const a = {}; a.a = a;
    const list = []; list.push({ list });
    const shared = { x: 1 };
    return [thrown(() => JSON.stringify(a)), thrown(() => JSON.stringify(list)),
      JSON.stringify([shared, shared])];
  `,
  "getters run in order, and may change what comes": js`
    const o = { get a() { delete this.b; this.d = 1; return 1; }, b: 2, c: 3 };
    return [JSON.stringify(o), JSON.stringify({ get x() { return [1]; } }),
      thrown(() => JSON.stringify({ get x() { throw "no"; } }))];
  `,
  "parse takes JSON and nothing more": js`
    return ["{}", "[1,2]", " 1 ", "-0", "1e5", "\"\\u0041\\n\"", "null", "[1,]", "{a:1}", "{'a':1}", "01",
      "1.", ".5", "+1", "\"\t\"", "\"\\x41\"", "NaN", "undefined", "", "1 2", "{\"a\":1,}", "[", "\"",
      "\u00a01", "\"\u2028\"", "0x1", "1e", "-", "tru", "\ufeff1", "//x\n1", "\"\\ud800\"", "1E+2",
      "{\"a\" 1}", "[1 2]", "\"\\u12\"", "\"\x7f\""].map((text) => { try { return JSON.parse(text);
      } catch (error) { return error.name; } });
  `,
  "of members of one name the last counts, at the place of the first": js`
    return [JSON.stringify(JSON.parse('{"a":1,"b":2,"a":3}')),
      Object.keys(JSON.parse('{"b":1,"10":2,"a":3,"9":4}')), JSON.parse('{"":1}')[""],
      Object.getPrototypeOf(JSON.parse('{"__proto__":{"x":1}}')) === Object.prototype];
  `,
  "numbers of JSON are doubles": js`
    return ["12345678901234567890", "1e400", "-1e-400", "0.1", "123456789.123456789", "9007199254740993",
      "4.9e-324", "-0.0", "1e21"].map((text) => JSON.parse(text));
  `,
  "a reviver goes from the leaves up, and undefined deletes": js`
    const order = [];
    const value = JSON.parse('{"a":[1,2,{"b":3}],"c":null,"d":4}',
      function (key, value) { order.push(key);
      return key === "c" || key === "0" ? undefined : typeof value === "number" ? value * 10 : value; });
    return [value, order, JSON.parse("[1]", () => "whole"),
      JSON.parse('{"a":1,"b":2}', function (key, value) { if (key === "a") this.b = 9; return value; })];
  `,
  "a round trip of a large value": js`
    const value = Array.from({ length: 500 },
      (_, i) => ({ i, t: "t" + i + "é😀\n", f: i / 7, n: i % 3 ? null : [i, [i]],
      ["k" + i]: { deep: { deeper: i % 2 === 0 } } }));
    const text = JSON.stringify(value);
    return [text.length, JSON.stringify(JSON.parse(text)) === text, JSON.parse(text)[499].k499.deep,
      text.split("").reduce((hash, c) => (hash * 31 + c.charCodeAt(0)) | 0, 0)];
  `,
  "JSON that is nested a hundred deep": js`
    const deep = "[".repeat(100) + "1" + "]".repeat(100);
    return [JSON.stringify(JSON.parse(deep)) === deep,
      JSON.parse('{"a":'.repeat(100) + "0" + "}".repeat(100)).a.a.a !== undefined];
  `,
  "the tag of JSON, and its functions": js`
    return [String(JSON), JSON.parse.length, JSON.stringify.length, thrown(() => JSON.parse(Symbol())),
      JSON.parse({ toString: () => "[1]" }), JSON.parse(null), thrown(() => JSON.parse(undefined)),
      thrown(() => new JSON())];
  `,
});
