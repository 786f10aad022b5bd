import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { textOf } from "#test/sandbox/fixture.ts";
import { compilePlugin } from "./assembly-script.ts";
import { openModule } from "./open-module.ts";

/** Reads everything of its input by the functions of `Json`, and writes it anew. */
const source = `
import { input } from "@sandgate/plugin-sdk/assemblyscript/hook";
import { blockOf } from "@sandgate/plugin-sdk/assemblyscript/blocks";
import { Json, quoted } from "@sandgate/plugin-sdk/assemblyscript/json";

@external("extism:host/env", "output_set")
declare function setOutput(block: u64, bytes: u64): void;

function answer(text: string): i32 {
  setOutput(blockOf(text), String.UTF8.byteLength(text));
  return 0;
}

function written(value: Json): string {
  if (value.isString) return quoted(value.string());
  if (value.isNumber) return value.source();
  if (value.isArray) return "[" + value.items().map<string>((item) => written(item)).join(",") + "]";
  if (!value.isObject) return value.isTrue ? "true" : value.isFalse ? "false" : value.isNull ? "null" : "absent";
  const members: string[] = [];
  const keys = value.keys();
  for (let i = 0; i < keys.length; i++) members.push(quoted(keys[i]) + ":" + written(value.get(keys[i])));
  return "{" + members.join(",") + "}";
}

export function rewrite(): i32 {
  return answer(written(input()));
}

export function source(): i32 {
  return answer(input().get("a").source());
}

export function number(): i32 {
  return answer(input().number(NaN).toString());
}

export function integers(): i32 {
  return answer(input().items().map<string>((item) => item.integer(-1).toString()).join(" "));
}

export function absent(): i32 {
  const value = input();
  const nothing = value.get("no").get("such").get("member");
  const facts = [nothing.exists, nothing.isObject, nothing.isNull, value.get("a").items().length > 0];
  return answer(facts.map<string>((fact) => (fact ? "yes" : "no")).join(" ") + nothing.string("|") + nothing.source());
}
`;

const wasm = await compilePlugin(source, { name: "json", hooks: {} });

/** JSON text with space wherever it may stand, and every character of a string escaped or not. */
const spaced = (value: unknown, chance: () => boolean): string => {
  const space = () => (chance() ? " \n\t\r".slice(0, chance() ? 4 : 1) : "");
  const list = (parts: readonly string[]) =>
    parts.map((part) => space() + part + space()).join(",") || space();
  if (Array.isArray(value)) return `[${list(value.map((item) => spaced(item, chance)))}]`;
  if (typeof value === "string") return escaped(value, chance);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, member]) => `${escaped(key, chance)}${space()}:${space()}${spaced(member, chance)}`,
  );
  return `{${list(members)}}`;
};

function escaped(text: string, chance: () => boolean): string {
  const units = Array.from({ length: text.length }, (_, at) => {
    const unit = text.charAt(at);
    const short = JSON.stringify(unit).slice(1, -1);
    const must = short !== unit;
    if (must && chance()) return short;
    return must || chance() ? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}` : unit;
  });
  return `"${units.join("")}"`;
}

test("whatever JavaScript reads in a JSON text, Json reads too, and quoted writes it", async (t) => {
  const { call } = await openModule(t, wasm);
  const marks = fc.constantFrom(
    '"',
    "\\",
    "/",
    "\n",
    "\u0001",
    "{",
    "]",
    ",",
    ":",
    " ",
    "a",
    "é",
    "😀",
    "\ud83d",
    "\ude00",
  );
  const value = fc.jsonValue({
    stringUnit: fc.oneof(marks, fc.string({ unit: "binary", minLength: 1, maxLength: 1 })),
    maxDepth: 5,
  });
  await fc.assert(
    fc.asyncProperty(value, fc.infiniteStream(fc.boolean()), async (given, coins) => {
      const text = spaced(given, () => coins.next().value === true);
      const result = await call("rewrite", text);
      assert.equal(result.outcome, "ok", `${text}: ${result.error}`);
      assert.deepEqual(JSON.parse(textOf(result)), JSON.parse(text), text);
    }),
    { numRuns: 300 },
  );
});

const texts: readonly (readonly [string, unknown])[] = [
  ['"\\n\\t\\r\\b\\f\\/\\\\\\""', '\n\t\r\b\f/\\"'],
  [
    '"a string that is longer than eight bytes, with \\"quotes\\" in it"',
    'a string that is longer than eight bytes, with "quotes" in it',
  ],
  ['"\\ud83d\\ude00 \\ud83d \\u0000 é€😀"', "\ud83d\ude00 \ud83d \u0000 é€😀"],
  ['{"a":1,"a":2}', { a: 2 }],
  ['{"\\u0061":1}', { a: 1 }],
  ['{"a":"}]{[\\"","b":[[],{}],"":null}', { a: '}]{["', b: [[], {}], "": null }],
  [" [ ] ", []],
];

for (const [text, value] of texts) {
  test(`${text} is read as JavaScript reads it`, async (t) => {
    const { call } = await openModule(t, wasm);
    assert.deepEqual(JSON.parse(textOf(await call("rewrite", text))), value);
  });
}

test("what is not there is absent, as are all its members", async (t) => {
  const { call } = await openModule(t, wasm);
  for (const text of ['{"a":1}', "[]", "null", '"no"', "", " "]) {
    assert.equal(textOf(await call("absent", text)), "no no no no|", text);
  }
});

test("a number is what JavaScript reads, but for the last bits", async (t) => {
  const { call } = await openModule(t, wasm);
  const numberOf = async (text: string) => Number(textOf(await call("number", text)));
  for (const text of [
    "0",
    "-7",
    "1e3",
    "-0.5",
    "1E-2",
    "12345678",
    "9007199254740991",
    "1e+39",
    "1e999",
    "0.5E-1",
  ]) {
    assert.equal(await numberOf(text), Number(text));
  }
  assert.equal(await numberOf('"1"'), Number.NaN);
  const numbers = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 });
  await fc.assert(
    fc.asyncProperty(numbers, async (value) => {
      const error = Math.abs((await numberOf(JSON.stringify(value))) - value);
      assert.ok(error <= Math.abs(value) * 2 ** -48 || error < 1e-310, `${value} is off by ${error}`);
    }),
    { numRuns: 200 },
  );
});

test("an integer is whole, written as one, and fits into 64 bits", async (t) => {
  const { call } = await openModule(t, wasm);
  const text = '[7, -3, 9007199254740993, 9223372036854775807, 9223372036854775808, 1.0, 1e3, "7", null]';
  const read = "7 -3 9007199254740993 9223372036854775807 -1 -1 -1 -1 -1";
  assert.equal(textOf(await call("integers", text)), read);
});

test("source is the text as it stands", async (t) => {
  const { call } = await openModule(t, wasm);
  const inner = '{ "b" : [1, 2.50] , "c":"\\u00e4"}';
  assert.equal(textOf(await call("source", `{"x":0, "a" : ${inner} }`)), inner);
});

test("text that is no JSON ends, whatever is read of it", async (t) => {
  const { call } = await openModule(t, wasm);
  for (const text of [
    "{",
    "[",
    '"',
    '{"a"',
    '{"a":',
    '{"a":1',
    "[1,",
    '["\\',
    "}",
    "]",
    ",,",
    "{]",
    '{a:b,"c"}',
  ]) {
    assert.equal((await call("rewrite", text)).outcome, "ok", text);
  }
});
