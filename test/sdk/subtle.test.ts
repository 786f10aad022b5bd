import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { textOf } from "#test/sandbox/fixture.ts";
import { openSources } from "./source-plugin.ts";

const source = `
const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
export async function run() {
  const { algorithm, length } = JSON.parse(Host.inputString());
  const data = Uint8Array.from({ length: length + 2 }, (_, at) => at * 7).subarray(1, length + 1);
  const asObject = await crypto.subtle.digest({ name: algorithm.toLowerCase() }, data.slice().buffer);
  Host.outputString(hex(await globalThis.crypto.subtle.digest(algorithm, data)) + " " + hex(asObject));
}
export async function refused() { await crypto.subtle.digest("MD5", new Uint8Array(1)); }`;

test("crypto.subtle.digest computes what Node's hashes do, around the borders of their blocks", async (t) => {
  const plugin = await openSources(t, source);
  for (const algorithm of ["SHA-1", "SHA-256", "SHA-384", "SHA-512"]) {
    for (const length of [0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 1000]) {
      const data = Uint8Array.from({ length }, (_, at) => (at + 1) * 7);
      const expected = createHash(algorithm.replace("-", "")).update(data).digest("hex");
      const result = await plugin.call("run", { algorithm, length });
      assert.deepEqual(
        [result.error, textOf(result)],
        [null, `${expected} ${expected}`],
        `${algorithm} ${length}`,
      );
    }
  }
});

test("another algorithm, and subtle under another name, are errors that say what to do", async (t) => {
  const member = "export function member() { const { subtle } = crypto; }";
  const plugin = await openSources(t, `${source}\n${member}`);
  assert.match(
    String((await plugin.call("refused")).error),
    /^NotSupportedError: crypto\.subtle\.digest: only SHA-1, SHA-256, SHA-384, SHA-512, not MD5\n/,
  );
  assert.match(
    String((await plugin.call("member")).error),
    /^TypeError: crypto\.subtle has to be written as such/,
  );
});

test("a digest needs no random numbers: nothing of their source is imported", async (t) => {
  const { compiled } = await openSources(t, source);
  const modules = decodeModule(compiled.wasm).imports.map(({ module }) => module);
  assert.deepEqual([...new Set(modules)], ["extism:host/env"]);
});
