import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chunk, contentOf, done, type EventPlugin, finish } from "#test/request/event-plugin.ts";
import { openEventStage } from "./event-stage.ts";

async function* once(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

const mask = (text: string) => text.replace(/#[ab]{1,3};/g, "[x]");
const before = `const width = 5;
const mask = (text: string) => text.replace(/#[ab]{1,3};/g, "[x]");
/** Where a text that goes on is decided: all but the window, and no match in two. */
function decided(text: string): number {
  const at = Math.max(0, text.length - width + 1);
  const over = [...text.matchAll(/#[ab]{1,3};/g)].find((one) => one.index < at && one.index + one[0].length > at);
  return over === undefined ? at : over.index + over[0].length;
}`;
const start = `
  const count = event.held.length;
  const all = event.held.map((one: any) => one.text).join("") + event.text;
  if (event.last || event.data.choices?.[0].finish_reason) {
    if (count === 0) return event.text ? replaceText(mask(all)) : passEvent();
    const rest = event.text ? { rest: "" } : {};
    return releaseHeld(count, { text: mask(all), ...rest, decision: passEvent() });
  }
  const at = decided(all);`;

/** Both hold a window of a text, and let go what is before it. */
const windows: Readonly<Record<string, EventPlugin>> = {
  "up to any place": {
    before,
    body: `${start}
      if (count === 0) return holdEvent();
      return releaseHeld(count, { text: mask(all.slice(0, at)), rest: all.slice(at) });`,
  },
  "by whole events": {
    before,
    body: `${start}
      let end = 0;
      let going = 0;
      let length = 0;
      for (const [index, { text }] of event.held.entries()) {
        length += text.length;
        if (length <= at && mask(all.slice(0, length)) + mask(all.slice(length)) === mask(all)) {
          going = index + 1;
          end = length;
        }
      }
      return going === 0 ? holdEvent() : releaseHeld(going, { text: mask(all.slice(0, end)) });`,
  },
};

/** Pieces of two choices of a chat completion as they come, and whether the last piece of each says that it ends. */
const streams = fc.record({
  pieces: fc.array(
    fc.tuple(fc.nat(1), fc.string({ unit: fc.constantFrom("#", "a", "b", ";"), maxLength: 9 })),
    {
      maxLength: 40,
    },
  ),
  endsWithText: fc.boolean(),
});

for (const [how, plugin] of Object.entries(windows)) {
  test(`a window over a stream, let go ${how}, gives the text that the whole text gives`, async (t) => {
    const stage = await openEventStage(t, { it: plugin });
    await fc.assert(
      fc.asyncProperty(streams, async ({ pieces, endsWithText }) => {
        const sent = [
          ...pieces,
          ...(endsWithText
            ? ([
                [0, "#a"],
                [1, "#b;"],
              ] as const)
            : []),
        ];
        const isEnd = (at: number) => endsWithText && at >= pieces.length;
        const events = sent.map(([index, text], at) =>
          chunk(text, { index, n: at, ...(isEnd(at) ? { finish_reason: "stop" } : {}) }),
        );
        const ends = endsWithText ? "" : finish + finish.replace('"index":0', '"index":1');
        const { bytes, error } = await stage.run("openai", once(events.join("") + ends + done));
        assert.equal(error, null);
        for (const lane of [0, 1]) {
          const whole = sent.filter(([index]) => index === lane);
          assert.equal(contentOf(String(bytes), lane), mask(whole.map(([, text]) => text).join("")));
          const numbers = sent.flatMap(([index], at) => (index === lane ? [at] : []));
          assert.deepEqual(numbersOf(String(bytes), lane), numbers, "each event once, in its order");
        }
      }),
      { numRuns: 100 },
    );
  });
}

function numbersOf(text: string, lane: number): number[] {
  return [...text.matchAll(/"index":(\d),[^\n]*"n":(\d+)/g)].flatMap(([, index, n]) =>
    Number(index) === lane ? [Number(n)] : [],
  );
}

test("what is let go as it is are the bytes that came, and what stays is seen again", async (t) => {
  const seen = `if (event.last) return passEvent();
    if (event.text === "d") return releaseHeld(2);
    if (event.text === "e") return replaceText(event.held.map((one: any) => one.text).join("+") + "+e", "drop");
    return event.text ? holdEvent() : passEvent();`;
  const stage = await openEventStage(t, { it: { body: seen } });
  const all = ["a", "b", "c", "d", "e"].map((text) => chunk(text));
  const { bytes } = await stage.run("openai", once(all.join("") + finish + done));
  assert.equal(String(bytes), chunk("a") + chunk("b") + chunk("c+d+e") + finish + done);
});

test("what is let go is out although the stream is stopped, and what stays is not", async (t) => {
  const body = "return event.text === 'c' ? releaseHeld(1, { decision: stopStream('No.') }) : holdEvent();";
  const stage = await openEventStage(t, { it: { body } });
  const { bytes, error } = await stage.run("openai", once(chunk("a") + chunk("b") + chunk("c") + done));
  assert.equal(String(bytes), chunk("a"));
  assert.match(String(error), /No\./);
});

test("events without a text keep their place when a text takes the place of those around them", async (t) => {
  const tool = chunk("", { delta: { tool_calls: [{ index: 0, function: { arguments: "{" } }] } });
  const body = `if (event.data.choices?.[0].finish_reason) return releaseHeld(event.held.length, { text: "x", decision: passEvent() });
    return event.last ? passEvent() : holdEvent();`;
  const stage = await openEventStage(t, { it: { body } });
  const { bytes } = await stage.run("openai", once(chunk("a") + tool + chunk("b") + tool + finish + done));
  assert.equal(String(bytes), chunk("") + tool + chunk("x") + tool + finish + done);
});

test("what repeats a text says what was let go of it", async (t) => {
  const body = `const all = event.held.map((one: any) => one.text).join("") + event.text;
    if (event.held.length && event.text) return releaseHeld(event.held.length, { text: all.slice(0, -2).toUpperCase(), rest: all.slice(-2) });
    if (event.held.length) return releaseHeld(event.held.length, { text: all.toUpperCase(), decision: passEvent() });
    return event.text ? holdEvent() : passEvent();`;
  const stage = await openEventStage(t, { it: { body } });
  const at = { output_index: 0, content_index: 0 };
  const say = (data: { readonly type: string; readonly [member: string]: unknown }) =>
    `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
  const pieces = ["hel", "lo the", "re"].map((delta) =>
    say({ type: "response.output_text.delta", ...at, delta }),
  );
  const end = say({ type: "response.output_text.done", ...at, text: "hello there" });
  const { bytes, error } = await stage.run("openai-responses", once(pieces.join("") + end));
  assert.equal(error, null);
  assert.deepEqual(
    [...String(bytes).matchAll(/"(?:delta|text)":"([^"]*)"/g)].map(([, text]) => text),
    ["HELLO T", "HE", "RE", "HELLO THERE"],
  );
});

const [a, b, c, bare] = [chunk("a"), chunk("b", { index: 1 }), chunk("c"), 'data: {"a":1}\n\n'];
/** What is let go, by which decision about the last of these events, of which all others are held. */
const bad: readonly (readonly [what: string, decision: string, sent: readonly string[], says: RegExp])[] = [
  ["more than is held", "releaseHeld(2)", [a, c], /count is 2, and 1 events are held/],
  ["more than is held of its choice", "releaseHeld(2)", [a, b, c], /count is 2, and 1 events are held/],
  ["none", "releaseHeld(0)", [a, c], /release\/count must be >= 1/],
  ["a part of one", "releaseHeld(0.5)", [a, c], /release\/count must be integer/],
  ["less than none", "releaseHeld(-1)", [a, c], /release\/count must be >= 1/],
  ["a text for events without one", "releaseHeld(1, { text: 'x' })", [bare, c], /none of those/],
  ["one text for two choices", "releaseHeld(2, { text: 'x' })", [a, b, bare], /belongs to several texts/],
  [
    "a rest for what is dropped",
    "releaseHeld(1, { rest: 'x', decision: dropEvent() })",
    [a, c],
    /drop is asked/,
  ],
  ["a rest that has no place", "releaseHeld(1, { rest: 'x' })", [a, bare], /has a text for rest/],
  [
    "a rest of another choice",
    "releaseHeld(1, { text: 'x', rest: 'y' })",
    [a, b, bare],
    /another of the texts/,
  ],
  ["a rest too long to hold", "releaseHeld(1, { rest: 'x'.repeat(70_000) })", [a, c], /holds more than/],
  [
    "in a way that there is not",
    "({ ...holdEvent(), release: { count: 1, all: true } })",
    [a, c],
    /must NOT/,
  ],
];

for (const [what, decision, sent, says] of bad) {
  test(`a plugin that lets go ${what} has failed, and nothing that it holds leaves`, async (t) => {
    const body = `return event.index === ${sent.length - 1} ? ${decision} : holdEvent();`;
    const stage = await openEventStage(t, { it: { body, binding: { onFailure: "closed" } } });
    const { bytes, error } = await stage.run("openai", once(sent.join("") + done));
    assert.equal((error as { code?: string }).code, "plugin_failed");
    assert.match(String(stage.reports[0]?.error), says);
    assert.equal(String(bytes), "");
  });
}

test("at the end nothing may stay behind what is let go", async (t) => {
  const body = "return event.last ? releaseHeld(1, { decision: passEvent('keep') }) : holdEvent();";
  const stage = await openEventStage(t, { it: { body } });
  const { bytes } = await stage.run("openai", once(a + c + done));
  assert.equal(String(bytes), "");
  assert.match(String(stage.reports[0]?.error), /nothing can stay held/);
});

test("of a plugin that fails open what it has moved is there once", async (t) => {
  const body = `if (event.text === "c") return releaseHeld(1, { text: "A", rest: "bc" });
    if (event.text === "d") throw new Error("oh"); return holdEvent();`;
  const stage = await openEventStage(t, { it: { body, binding: { onFailure: "open" } } });
  const { bytes } = await stage.run("openai", once(a + c + chunk("d") + finish + done));
  assert.equal(contentOf(String(bytes)), "Abcd");
});
