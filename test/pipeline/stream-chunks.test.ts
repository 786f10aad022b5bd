import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readAnswer } from "#test/fake-upstream/answer-file.ts";
import { chunk, done, finish } from "#test/request/event-plugin.ts";
import { openEventStage } from "./event-stage.ts";

const recordings = [
  { name: "chat-stream-usage", surface: "openai" },
  { name: "responses-stream", surface: "openai-responses" },
  { name: "anthropic-stream", surface: "anthropic" },
] as const;

const odd = `: note\n\n${chunk("é👋")}retry: 1\n\nid: 3\n\n\nevent: x\n\n${chunk("\u2028 ")}${finish}${done}`;

async function* cutAt(bytes: Buffer, borders: readonly number[]): AsyncGenerator<Buffer> {
  const places = [0, ...borders.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (const [at, end] of places.slice(1).entries()) yield bytes.subarray(places[at], end);
}

const streams = fc
  .tuple(
    fc.constantFrom(
      ...recordings.map(({ name, surface }) => ({ surface, text: String(readAnswer(name).body) })),
      { surface: "openai", text: odd } as const,
      { surface: "openai", text: `\ufeff${odd}` } as const,
    ),
    fc.constantFrom("\n", "\r\n", "\r"),
    fc.oneof(fc.array(fc.nat(), { maxLength: 25 }), fc.constant("every byte" as const)),
  )
  .map(([{ surface, text }, lineEnd, borders]) => ({
    surface,
    bytes: Buffer.from(text.replaceAll("\n", lineEnd)),
    borders: borders === "every byte" ? Array.from({ length: text.length * 2 }, (_, at) => at) : borders,
  }));

for (const [what, body] of [
  ["passes", "return passEvent();"],
  ["holds two of three", "return event.last || event.index % 3 === 2 ? passEvent() : holdEvent();"],
  ["holds until the end", "return event.last ? passEvent() : holdEvent();"],
] as const) {
  test(`whatever the chunks and line ends, what a plugin that ${what} lets go is the bytes that came`, async (t) => {
    const stage = await openEventStage(t, { it: { body }, next: { body: "return passEvent();" } });
    await fc.assert(
      fc.asyncProperty(streams, async ({ surface, bytes, borders }) => {
        const { bytes: got, error } = await stage.run(surface, cutAt(bytes, borders));
        assert.equal(error, null);
        if (what === "passes") assert.deepEqual(got, bytes);
        // What says nothing overtakes what is held.
        else assert.deepEqual(sortedLines(got), sortedLines(bytes));
      }),
      { numRuns: 40 },
    );
  });
}

function sortedLines(bytes: Buffer): string[] {
  return String(bytes)
    .split(/\r\n|\r|\n/)
    .sort();
}

test("whatever the chunks and line ends, the same texts are replaced", async (t) => {
  const stage = await openEventStage(t, {
    it: { body: "if (event.text) return replaceText('<' + event.text + '>');" },
  });
  await fc.assert(
    fc.asyncProperty(streams, async ({ surface, bytes, borders }) => {
      const whole = await stage.run(surface, cutAt(bytes, []));
      const { bytes: got } = await stage.run(surface, cutAt(bytes, borders));
      assert.deepEqual(got, whole.bytes);
    }),
    { numRuns: 40 },
  );
});
