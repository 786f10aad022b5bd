import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openNodeAndPlugin } from "./node-and-plugin.ts";

const decoding = `
export const run = (streams) => streams.map(({ chunks, options }) => {
  const decoder = new TextDecoder("utf-8", options);
  const texts = [];
  try {
    for (const chunk of chunks) texts.push(decoder.decode(new Uint8Array(chunk), { stream: true }));
    texts.push(decoder.decode());
    texts.push(decoder.decode(new Uint8Array(chunks.flat())));
  } catch (thrown) {
    texts.push(thrown instanceof TypeError);
  }
  return texts;
});`;

/** Bytes that begin characters, go on with them or do neither, more often than chance has it. */
const byte = fc.oneof(
  fc.constantFrom(
    0x61,
    0x80,
    0xbf,
    0xc0,
    0xc2,
    0xe0,
    0xa0,
    0xed,
    0x9f,
    0xef,
    0xbb,
    0xf0,
    0x90,
    0xf4,
    0x8f,
    0xf5,
  ),
  fc.nat({ max: 255 }),
);
const characters = fc.string({ unit: "binary", maxLength: 4 }).map((text) => [...Buffer.from(text)]);
const chunk = fc.oneof(fc.array(byte, { maxLength: 5 }), characters);
const stream = fc.record({
  chunks: fc.array(chunk, { maxLength: 6 }),
  options: fc.record({ fatal: fc.boolean(), ignoreBOM: fc.boolean() }),
});

test("TextDecoder decodes streams of any bytes as Node does, whole texts too", async (t) => {
  const { both } = await openNodeAndPlugin(t, decoding);
  await fc.assert(
    fc.asyncProperty(fc.array(stream, { minLength: 60, maxLength: 60 }), async (streams) => {
      const { node, plugin } = await both(streams);
      assert.deepEqual(plugin, node);
    }),
    { numRuns: 20 },
  );
});

test("a character, and a byte order mark, may come in single bytes", async (t) => {
  const { both } = await openNodeAndPlugin(t, decoding);
  const bytes = [...Buffer.from("\ufeff\ufeffa\u00e9\u20ac\u{1f980}z")];
  const streams = [false, true].flatMap((ignoreBOM) =>
    [bytes, bytes.slice(0, -2), bytes.slice(0, 2)].map((some) => ({
      chunks: some.map((one) => [one]),
      options: { fatal: false, ignoreBOM },
    })),
  );
  const { node, plugin } = await both(streams);
  assert.deepEqual(plugin, node);
  assert.equal(
    (plugin as string[][])[0]?.join(""),
    `\ufeffa\u00e9\u20ac\u{1f980}z${"\ufeffa\u00e9\u20ac\u{1f980}z"}`,
  );
});

const encoding = `
export const run = (inputs) => inputs.map(([text, length]) => {
  const into = new Uint8Array(length + 1).fill(7);
  const { read, written } = new TextEncoder().encodeInto(text, into.subarray(0, length));
  return [read, written, [...into], [...new TextEncoder().encode(text)]];
});`;

test("TextEncoder encodes any text as Node does, and as much of it as there is room for", async (t) => {
  const { both } = await openNodeAndPlugin(t, encoding);
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 8 }),
    fc
      .array(fc.constantFrom("a", "\u00e9", "\ud83e", "\udd80", "\u20ac"), { maxLength: 8 })
      .map((all) => all.join("")),
  );
  const inputs = fc.array(fc.tuple(text, fc.nat({ max: 24 })), { minLength: 60, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(inputs, async (some) => {
      const { node, plugin } = await both(some);
      assert.deepEqual(plugin, node);
    }),
    { numRuns: 10 },
  );
});
