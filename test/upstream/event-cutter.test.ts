import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GatewayError } from "#host/errors.ts";
import { upstreamLimits } from "#host/limits.ts";
import { createEventCutter } from "#host/upstream/event-cutter.ts";

/** The events of `text` cut at these positions, and what is left. */
function cut(text: string | Buffer, borders: readonly number[] = []) {
  const bytes = Buffer.from(text);
  const cutter = createEventCutter();
  const places = [0, ...borders.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const events = places.slice(1).flatMap((end, at) => cutter.cut(bytes.subarray(places[at], end)));
  return { events: events.map((event) => Buffer.from(event)), rest: Buffer.from(cutter.rest()) };
}

const line = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 6 }).map((text) => text.replace(/[\r\n]/g, "")),
  fc.constantFrom("data: {}", ": comment", "event: é👋", ""),
);
const stream = fc
  .array(fc.tuple(line, fc.constantFrom("\n", "\r", "\r\n")), { maxLength: 12 })
  .map((lines) => lines.flat().join(""));

test("whatever the chunks, the pieces put together are the stream", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 20 }), (text, borders) => {
      const { events, rest } = cut(text, borders);
      assert.equal(Buffer.concat([...events, rest]).toString("utf8"), text);
    }),
  );
});

test("whatever the chunks, the events are the same, but for the line feed of a CRLF that a border splits", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 20 }), (text, borders) => {
      const joined = (events: readonly Buffer[]) =>
        events.reduce<string[]>((done, event) => {
          const last = done.at(-1);
          if (event.toString() === "\n" && last?.endsWith("\r")) done[done.length - 1] = `${last}\n`;
          else done.push(event.toString("utf8"));
          return done;
        }, []);
      assert.deepEqual(joined(cut(text, borders).events), joined(cut(text).events));
    }),
  );
});

test("every event ends with a blank line, and no event waits for a byte after it", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 20 }), (text, borders) => {
      for (const event of cut(text, borders).events) {
        assert.match(event.toString("utf8"), /(^|\n|\r)(\n|\r|\r\n)$/);
      }
      const { rest } = cut(text, borders);
      assert.ok(
        rest
          .toString("utf8")
          .split(/\r\n|\r|\n/)
          .slice(0, -1)
          .every((line) => line !== ""),
      );
    }),
  );
});

for (const [name, text, events, rest] of [
  ["LF", "data: 1\n\ndata: 2\n\n", ["data: 1\n\n", "data: 2\n\n"], ""],
  ["CRLF", "data: 1\r\n\r\ndata: 2\r\n\r\n", ["data: 1\r\n\r\n", "data: 2\r\n\r\n"], ""],
  ["CR", "data: 1\r\rdata: 2\r\r", ["data: 1\r\r", "data: 2\r\r"], ""],
  [
    "mixed line ends",
    "data: 1\r\n\ndata: 2\n\r\ndata: 3\r\r\n",
    ["data: 1\r\n\n", "data: 2\n\r\n", "data: 3\r\r\n"],
    "",
  ],
  ["blank lines alone", "\n\r\n\r", ["\n", "\r\n", "\r"], ""],
  ["half an event", "data: 1\n\ndata: 2\n", ["data: 1\n\n"], "data: 2\n"],
  ["nothing", "", [], ""],
] as const) {
  test(`cuts ${name}`, () => {
    const cutUp = cut(text);
    assert.deepEqual(
      cutUp.events.map((event) => event.toString("utf8")),
      events,
    );
    assert.equal(cutUp.rest.toString("utf8"), rest);
  });
}

test("the line feed of a CRLF comes on its own when the chunk before ended an event with its CR", () => {
  const cutter = createEventCutter();
  assert.equal(Buffer.concat(cutter.cut(Buffer.from("data: 1\r\n\r"))).toString(), "data: 1\r\n\r");
  assert.equal(Buffer.concat(cutter.cut(Buffer.from("\n"))).toString(), "\n");
});

test("an event may have as many bytes as the limit says and no more, in one chunk or in many", () => {
  const most = Buffer.from(`${"x".repeat(upstreamLimits.sseEventBytes - 2)}\n\n`);
  assert.equal(cut(most).events[0]?.length, most.length);
  assert.equal(cut(most, [1, 500_000, 900_000]).events[0]?.length, most.length);
  const more = Buffer.concat([Buffer.from("x"), most]);
  for (const borders of [[], [1, 500_000, 900_000]]) {
    assert.throws(
      () => cut(more, borders),
      (thrown) => thrown instanceof GatewayError && thrown.code === "upstream_invalid",
    );
  }
});
