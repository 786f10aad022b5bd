import assert from "node:assert/strict";
import { test } from "node:test";
import { inPlugin, inV8, js } from "./specify.ts";

/** Where a plugin and V8 do not agree: what each says, who has ECMA-262 on its side, and why. */
type Difference = {
  readonly body: string;
  readonly plugin: string;
  readonly v8: string;
  readonly right: "plugin" | "v8" | "both";
  readonly why: string;
};

const differences: Readonly<Record<string, Difference>> = {
  "a template's strings are not frozen": {
    body: js`
      const strings = ((strings) => strings)\`x\`;
      return [Object.isFrozen(strings), Object.isFrozen(strings.raw), Object.isExtensible(strings),
        thrown(() => { strings[0] = "y"; })];
    `,
    plugin: '[false,false,false,"TypeError"]',
    v8: '[true,true,false,"TypeError"]',
    right: "v8",
    why: "the object comes out of bytecode, where the engine writes no attributes",
  },
  "an object spread takes nothing from a text": {
    body: js`return [{ ..."xy" }, Object.assign({}, "xy")];`,
    plugin: '[Object{},Object{0:"x",1:"y"}]',
    v8: '[Object{0:"x",1:"y"},Object{0:"x",1:"y"}]',
    right: "v8",
    why: "CopyDataProperties should make an object of the text; write Object.assign",
  },
  "Atomics is not there": {
    body: js`return [typeof Atomics, typeof SharedArrayBuffer];`,
    plugin: '["undefined","function"]',
    v8: '["object","function"]',
    right: "v8",
    why: "a plugin has one thread; SharedArrayBuffer may be left out, Atomics should be there",
  },
  "RegExp.escape escapes what is not ASCII": {
    body: js`return [RegExp.escape("é"), RegExp.escape("😀")];`,
    plugin: '["\\\\xe9","\\\\ud83d\\\\ude00"]',
    v8: '["é","😀"]',
    right: "v8",
    why: "the pattern matches the same text, unless it has the flag u or v and the text is outside of the BMP",
  },
  "NaN given to a setter leaves the date as it was": {
    body: js`
      const date = new Date(0);
      return [date.setUTCHours(NaN), date.getTime(), date.setUTCMonth(undefined), date.getTime(),
        date.setTime(NaN), date.getTime()];
    `,
    plugin: "[NaN,0,NaN,0,NaN,NaN]",
    v8: "[NaN,NaN,NaN,NaN,NaN,NaN]",
    right: "v8",
    why: "the date should be invalid after it",
  },
  "TypedArray.prototype.set does not copy first when the types differ and the bytes overlap": {
    body: js`
      const words = new Uint16Array([1, 2, 3, 4]);
      words.set(new Uint8Array(words.buffer, 0, 4));
      return words;
    `,
    plugin: "Uint16Array[1,0,0,0]",
    v8: "Uint16Array[1,0,2,0]",
    right: "v8",
    why: "elements that are written before they are read",
  },
  "some numbers print with one digit more than they need": {
    body: js`return [2 ** -24, 5.960464477539063e-8 === 2 ** -24];`,
    plugin: "[5.9604644775390625e-8,true]",
    v8: "[5.960464477539063e-8,true]",
    right: "v8",
    why: "a power of two has a nearer neighbour below; what is printed is read as the same number",
  },
  "sort does not see holes through to the prototype": {
    body: js`
      Array.prototype[1] = "proto";
      try { return [[, , 2].sort(), [1, , 0].toSorted()]; } finally { delete Array.prototype[1]; }
    `,
    plugin: '[[2,hole,hole],[0,1,"proto"]]',
    v8: '[[2,"proto",hole],[0,1,"proto"]]',
    right: "v8",
    why: "SortIndexedProperties asks HasProperty, which goes by the prototype",
  },
  "new Function takes parameters that are no parameters by themselves": {
    body: js`return [thrown(() => new Function("/*", "*/){")),
      thrown(() => new Function("", "}, function () {"))];`,
    plugin: '["nothing thrown","nothing thrown"]',
    v8: '["SyntaxError","SyntaxError"]',
    right: "v8",
    why: "the engine parses parameters and body as one text; nothing that such a text could not do otherwise",
  },
  "a key is made a text before null is told": {
    body: js`
      let made = 0;
      const key = { toString: () => { made++; return "k"; } };
      return [thrown(() => { null[key] = 1; }), made];
    `,
    plugin: '["TypeError",1]',
    v8: '["TypeError",0]',
    right: "v8",
    why: "PutValue converts the object before the key",
  },
  "a key that is no text yet is made one once in o[key] += 1": {
    body: js`
      let made = 0;
      const key = { toString: () => { made++; return "k"; } };
      const o = { k: 1 };
      o[key] += 1; o[key]++; o[key] ||= 5;
      return made;
    `,
    plugin: "3",
    v8: "5",
    right: "plugin",
    why: "GetValue keeps the key that it made",
  },
  "a whole number in a radix is as short as it can be": {
    body: js`return [(2 ** 53).toString(3), (2 ** 53).toString(10)];`,
    plugin: '["1121202011211211122211100012101120","9007199254740992"]',
    v8: '["1121202011211211122211100012101112","9007199254740992"]',
    right: "plugin",
    why: "Number::toString wants as few significant digits as tell the number",
  },
  "JSON.stringify with an indent below one": {
    body: js`return JSON.stringify([1], null, 0.9);`,
    plugin: '"[1]"',
    v8: '"[\\n1\\n]"',
    right: "plugin",
    why: "0.9 is 0 as an integer, which is no indent",
  },
  "a date before the year 100 is parsed from what it printed": {
    body: js`
      const time = -62135596800000;
      return [Date.parse(new Date(time).toString()) === time,
        Date.parse(new Date(time).toUTCString()) === time,
        Date.parse(new Date(-62198755200000).toUTCString()) === -62198755200000];
    `,
    plugin: "[true,true,true]",
    v8: "[false,false,false]",
    right: "plugin",
    why: "Date.parse must take what toString and toUTCString make",
  },
  "join of an array that holds itself": {
    body: js`
      const cycle = [1];
      cycle.push(cycle, 2);
      return thrown(() => cycle.join());
    `,
    plugin: '"RangeError"',
    v8: '"nothing thrown"',
    right: "plugin",
    why: "the standard says nothing of cycles; browsers leave the second visit out",
  },
  "what only a WeakRef holds is gone at once": {
    body: js`
      const ref = new WeakRef({});
      return typeof ref.deref();
    `,
    plugin: '"undefined"',
    v8: '"object"',
    right: "v8",
    why: "the engine counts references; the standard keeps a target to the end of the job",
  },
  "a name may get a number": {
    body: js`
      const Kind = class Twice { static self() { return Twice; } };
      return [Kind.name, typeof Twice];
    `,
    plugin: '["Twice2","undefined"]',
    v8: '["Twice","undefined"]',
    right: "v8",
    why: "the bundler renames what has a name twice; keeping names would cost fuel at every closure",
  },
  "texts without a locale's data": {
    body: js`return [(1234567.891).toLocaleString(), new Date(0).toLocaleDateString("en-US"), typeof Intl];`,
    plugin: '["1234567.891","01/01/1970","undefined"]',
    v8: '["1,234,567.891","1/1/1970","object"]',
    right: "both",
    why: "there is no Intl; what toLocaleString prints is left to the engine",
  },
  "localeCompare goes by code points": {
    body: js`return [["b", "A", "a", "B", "é", "e", "z"].sort((x, y) => x.localeCompare(y)).join(""),
      "é".localeCompare("e\u0301")];`,
    plugin: '["ABabezé",0]',
    v8: '["aAbBeéz",0]',
    right: "both",
    why: "there is no Intl; equivalent forms compare as equal, as the standard asks",
  },
};

test("a plugin differs from V8 in what is known, and in each of these still:", async (t) => {
  const all = Object.values(differences);
  const bodies = all.map(({ body }) => body);
  const [actual, v8] = [await inPlugin(t, bodies), inV8(bodies)];
  for (const [index, [name, difference]] of Object.entries(differences).entries()) {
    await t.test(name, async () => {
      assert.deepEqual([await actual(index), await v8(index)], [difference.plugin, difference.v8]);
      assert.notEqual(difference.plugin, difference.v8);
    });
  }
});
