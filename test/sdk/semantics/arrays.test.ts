import { js, specify } from "./specify.ts";

specify("arrays", {
  "length and elements go together": js`
    const a = [1, 2, 3];
    a[5] = 6;
    const grown = [a.length, 4 in a];
    a.length = 2;
    a[4294967295] = "no element"; a["07"] = "nor this";
    return [grown, a.length, a[4294967295], thrown(() => { a.length = -1; }),
      thrown(() => { a.length = 1.5; }), (a.length = "3", a.length), thrown(() => new Array(2 ** 32)),
      new Array(3).length, new Array("3"), Array.of(3), Array(2, 3)];
  `,
  "a length that cannot shrink stops where it must": js`
    const a = [1, 2, 3];
    Object.defineProperty(a, 1, { configurable: false });
    const shrunk = thrown(() => { a.length = 0; });
    const b = Object.defineProperty([1], "length", { writable: false });
    return [shrunk, a, thrown(() => b.push(2)), thrown(() => { b[1] = 1; }), thrown(() => { b[0] = 5; }), b];
  `,
  "holes are passed over by some methods and not by others": js`
    const a = [1, , 3];
    const seen = [];
    a.forEach((x, i) => seen.push(i));
    return [seen, a.map((x) => x * 2), a.filter(() => true), a.join(), a.indexOf(undefined),
      a.includes(undefined), a.find((x) => x === undefined), a.findIndex((x) => x === undefined),
      Object.keys(a), [...a], a.reduce((n) => n + 1, 0), a.every((x) => x), a.flat(), a.concat([, 1]),
      a.slice(1), a.toReversed(), a.entries().toArray(), JSON.stringify(a), a.lastIndexOf(3), [...a.keys()]];
  `,
  "holes show what the prototype has": js`
    Array.prototype[1] = "proto";
    try { return [[0, , 2][1], [0, , 2].map((x) => x), [0, , 2].indexOf("proto"), [0, , 2].join(),
      [...[0, , 2]], [0, , 2].slice()]; } finally { delete Array.prototype[1]; }
  `,
  "sort is stable, puts undefined and holes last, and compares as texts": js`
    const people = Array.from({ length: 600 }, (_, i) => ({ k: (i * 7) % 10, i }));
    people.sort((a, b) => a.k - b.k);
    const stable = people.every((p, i) => i === 0 || people[i - 1].k < p.k || people[i - 1].i < p.i);
    return [stable, [10, 9, 1, -1, "b", "B"].sort(), [3, undefined, 1, , 2].sort(), ["é", "z", "a"].sort(),
      [true, false, null].sort(), [2, 1].sort(undefined), thrown(() => [1].sort(null)),
      [1, 2, 3].sort(() => 0), [3, 1, 2].sort((a, b) => (a < b ? -1 : 1))];
  `,
  "sort stands a comparator that lies, throws or changes the array": js`
    const a = [5, 3, 1, 4];
    const failed = thrown(() => a.sort(() => { throw "no"; }));
    const b = [3, 1, 2];
    b.sort((x, y) => { b.length = 0; return x - y; });
    const c = [3, 1, 2].sort(() => NaN);
    return [failed, a.length, b.length, c, [4, 2, 3].sort((x, y) => ({ valueOf: () => x - y })),
      [1, 2, 3, 4, 5].sort((x, y) => "1")].map((x) => (Array.isArray(x) ? [...x].sort() : x));
  `,
  "copies: toSorted, toReversed, toSpliced, with": js`
    const a = [3, , 1];
    return [a.toSorted(), a.toReversed(), a.toSpliced(1, 1, "x", "y"), a.with(-1, 9), a,
      thrown(() => a.with(3, 1)), a.toSpliced(), a.toSpliced(1),
      Array.prototype.toSorted.call({ length: 2, 0: "b", 1: "a" }), thrown(() => a.toSorted("x"))];
  `,
  "findLast and its kin": js`
    const a = [1, 2, 3, 4];
    return [a.findLast((x) => x % 2), a.findLastIndex((x) => x > 9), a.find((x) => x > 2),
      a.findIndex((x, i, all) => all[i] === 3), a.at(-5), a.at(-1), a.at("1"), a.lastIndexOf(4, -2),
      a.indexOf(1, -1), a.includes(4, -1), [NaN].indexOf(NaN)];
  `,
  "flat and flatMap": js`
    return [[1, [2, [3, [4]]]].flat(), [1, [2, [3, [4]]]].flat(Infinity), [[1], 2].flat(0),
      [1, , [2, , 3]].flat(), [1, 2].flatMap((x) => [x, [x * 2]]), [[]].flat(), ["ab"].flat(),
      thrown(() => [1].flatMap()), [1, [2]].flat("x")];
  `,
  splice: js`
    const run = (...args) => { const a = [1, 2, 3, 4, 5]; return [a.splice(...args), a]; };
    return [run(1, 2), run(-2), run(), run(undefined), run(1, 0, "a", "b"), run(2, 1, "x"),
      run(9, 1, "end"), run(0, -5), run(1, undefined), run(0, 2, "p", "q", "r"), run(-100, 1)];
  `,
  "fill, copyWithin and reverse": js`
    return [[1, 2, 3, 4, 5].copyWithin(0, 3), [1, 2, 3, 4, 5].copyWithin(1, 0, 3),
      [1, 2, 3, 4, 5].copyWithin(-2, -3, -1), [1, , 3].copyWithin(0, 1), new Array(3).fill(0),
      [1, 2, 3].fill(9, -2, -1), [1, , 3].reverse(), [1, 2, 3].fill(5, NaN, NaN),
      Array.prototype.fill.call({ length: 2 }, 1)];
  `,
  "push, pop, shift and unshift on what is no array": js`
    const o = { length: 1, 0: "a" };
    const push = Array.prototype.push.call(o, "b", "c");
    const shift = Array.prototype.shift.call(o);
    const full = { length: 2 ** 53 - 1 };
    return [push, shift, o, Array.prototype.pop.call({}), thrown(() => Array.prototype.push.call(full, 1)),
      [].pop(), [].shift(), [1].unshift(2, 3), thrown(() => Object.freeze([1]).pop()),
      Array.prototype.unshift.call({ length: "2", 1: "x" }, "y")];
  `,
  "join and toString": js`
    return [[1, null, undefined, [2, [3]]].join(), [].join("x"), [1].join("x"), [1, 2].join(undefined),
      [1, 2].join(null), String([[], {}]), Array.prototype.join.call("abc", "-"),
      Array.prototype.toString.call({ join: () => "own" }), Array.prototype.toString.call({}),
      [1.5, "a"].toLocaleString()];
  `,
  concat: js`
    return [[1].concat(2, [3, [4]], "ab"), [].concat({ length: 1, 0: "x" }),
      [].concat({ length: 1, 0: "x", [Symbol.isConcatSpreadable]: true }),
      [1].concat(Object.assign([2], { [Symbol.isConcatSpreadable]: false })).length,
      Array.prototype.concat.call(1, 2).length, [, 1].concat([, 2])];
  `,
  "reduce from both ends": js`
    return [[1, 2, 3].reduce((a, b) => a + "-" + b), [1, 2, 3].reduceRight((a, b) => a + "-" + b),
      [[1, 2], [3]].reduce((a, b) => a.concat(b), []), thrown(() => [].reduce(() => 1)),
      thrown(() => [, ,].reduce(() => 1)), [5].reduce(() => 1), [, 5, ,].reduceRight(() => 1),
      [].reduce(() => 1, "start"), [1, 2].reduce((acc, x, i, all) => [acc, i, all.length], 0)];
  `,
  "callbacks see the length of the beginning": js`
    const a = [1, 2, 3], seen = [];
    a.map((x) => { seen.push(x); a.push(9); a.pop(); if (x === 1) a.pop(); return x; });
    const b = [1, 2, 3];
    return [seen, a.length, b.filter((x) => { b.push(x); return true; }), b.length,
      [1, 2].map(function () { return this.v; }, { v: 5 }), [1].map(function () { return this; })[0],
      ["1", "2", "3"].map(parseInt)];
  `,
  "isArray, species and length of subclasses": js`
    class Plain extends Array { static get [Symbol.species]() { return undefined; } }
    class Sized extends Array { constructor(n) { super(n); } }
    return [Array.isArray(new Proxy([], {})), Array.isArray({ __proto__: Array.prototype }),
      Plain.from([1]).map((x) => x).constructor.name, new Sized(2).length, Sized.of(1).constructor.name,
      Array.from.call(Object, [1])];
  `,
  "an array of many elements": js`
    const a = [];
    for (let i = 0; i < 50000; i++) a.push(i & 255);
    a.length = 40000;
    return [a.reduce((s, x) => s + x), a.lastIndexOf(255), a.slice(-2), a.indexOf(256)];
  `,
  "arrays with a gap of billions": js`
    const a = [];
    a[4294967294] = "last";
    a[5] = 1;
    return [a.length, Object.keys(a), thrown(() => a.push(1)), a.length, a.at(-1), a.findLast((x) => x)];
  `,
});
