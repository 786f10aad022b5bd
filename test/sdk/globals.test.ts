import assert from "node:assert/strict";
import { test } from "node:test";
import { textOf } from "#test/sandbox/fixture.ts";
import { openSources } from "./source-plugin.ts";

const out = (expression: string) => `Host.outputString(String(${expression}))`;
const decoded = (bytes: string, options = "{}") =>
  out(`JSON.stringify(new TextDecoder("utf8", ${options}).decode(new Uint8Array(${bytes})))`);

/** What a plain function finds, and what it puts out with it. */
const cases: Readonly<Record<string, readonly [code: string, output: string]>> = {
  "TextDecoder leaves a byte order mark out": [decoded("[0xef, 0xbb, 0xbf, 0x61]"), '"a"'],
  "TextDecoder with ignoreBOM keeps it": [
    decoded("[0xef, 0xbb, 0xbf, 0x61]", "{ ignoreBOM: true }"),
    '"\ufeffa"',
  ],
  "TextDecoder with fatal takes what is UTF-8": [
    decoded("[0xf0, 0x9f, 0xa6, 0x80, 0xee, 0x80, 0x80, 0]", "{ fatal: true }"),
    JSON.stringify("\u{1f980}\ue000\0"),
  ],
  "TextDecoder with fatal refuses each kind of what is not": [
    `const decoder = new TextDecoder("utf-8", { fatal: true });
     const bad = [[0xff], [0xc0, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x80, 0x80, 0x80],
       [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82], [0x80], [0xf0, 0x9f, 0xa6]];
     ${out("bad.filter((one) => { try { decoder.decode(new Uint8Array(one)); return true; } catch { return false; } }).length")}`,
    "0",
  ],
  "TextDecoder refuses other encodings": [
    `try { new TextDecoder("latin1"); } catch (thrown) { ${out("thrown")} }`,
    "RangeError: TextDecoder: only utf-8, not latin1",
  ],
  "TextDecoder takes a view, a buffer and nothing": [
    `const bytes = new Uint8Array([97, 98, 99, 100]);
     const decoder = new TextDecoder();
     ${out("[decoder.decode(new DataView(bytes.buffer, 1, 2)), decoder.decode(bytes.buffer), decoder.decode()].join()")}`,
    "bc,abcd,",
  ],
  "TextEncoder.encodeInto writes whole characters only": [
    `const { read, written } = new TextEncoder().encodeInto("aé😀b", new Uint8Array(6)); ${out("[read, written].join()")}`,
    "2,3",
  ],
  "crypto fills a view and nothing beside it": [
    `const all = new Uint8Array(64); crypto.getRandomValues(new Uint32Array(all.buffer, 16, 8));
     ${out("[all.slice(0, 16).some(Boolean), all.slice(16, 48).some(Boolean), all.slice(48).some(Boolean)].join()")}`,
    "false,true,false",
  ],
  "crypto refuses more than 65,536 bytes": [
    `crypto.getRandomValues(new Uint8Array(65_536));
     try { crypto.getRandomValues(new Uint8Array(65_537)); } catch (thrown) { ${out("thrown.name")} }`,
    "RangeError",
  ],
  "Math.random under another name is as random": [
    `const { random } = Math; ${out("random() === random()")}`,
    "false",
  ],
  "process.env.NODE_ENV, for packages that ask": [out("process.env.NODE_ENV"), "production"],
  "nothing of a system": [
    out("[typeof setTimeout, typeof fetch, typeof process, typeof WebAssembly, typeof __sandgate].join()"),
    "undefined,undefined,undefined,undefined,undefined",
  ],
  "the time zone is UTC": [out("new Date(2026, 0, 1).toISOString()"), "2026-01-01T00:00:00.000Z"],
  "an empty output replaces one that was there": [
    "Host.outputString('before'); Host.outputBytes(new ArrayBuffer(0))",
    "",
  ],
};

test("what a plain function finds in its module:", async (t) => {
  const functions = Object.values(cases).map(([code], index) => `export function f${index}() { ${code}; }`);
  const plugin = await openSources(t, functions.join("\n"));
  for (const [index, [name, [, output]]] of Object.entries(cases).entries()) {
    await t.test(name, async () => {
      const result = await plugin.call(`f${index}`);
      assert.deepEqual([result.outcome, result.error], ["ok", null]);
      assert.equal(textOf(result), output);
    });
  }
});

test("a number is a function's code however the engine holds it", async (t) => {
  const plugin = await openSources(t, "export const run = () => JSON.parse(Host.inputString());");
  for (const value of ["0", "-0", "0.5", "null", '"1"', "{}", "[1]", "true"]) {
    assert.equal((await plugin.call("run", value)).outcome, "ok", value);
  }
  for (const value of ["1", "-1", "2147483647"]) {
    const { outcome, error } = await plugin.call("run", value);
    assert.deepEqual([outcome, error], ["error", `returned ${value} without an error`]);
  }
});
