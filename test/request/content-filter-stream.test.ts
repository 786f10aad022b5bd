import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { type Bench, openBench, paths } from "./bench.ts";
import { chunk, contentOf, done, eventStream, finish } from "./event-plugin.ts";
import { apis, type StreamingApi } from "./text-streams.ts";

const plugins = {
  "content-filter": await readFile(new URL("../../plugins/content-filter.wasm", import.meta.url)),
};
const open = (t: TestContext, ...rules: object[]) =>
  openBench(t, {
    plugins,
    config: { gateway: { use: [{ plugin: "content-filter", config: { rules } }] } },
  });
const asks = { model: "m", messages: [{ role: "user", content: "go on" }], input: "go on", stream: true };

async function streamed(
  { gateway, fake }: Bench,
  surface: StreamingApi,
  pieces: readonly string[],
): Promise<string> {
  await fake.play({ headers: eventStream, body: apis[surface].send(pieces) });
  return await (await gateway.post(paths[surface], asks)).text();
}

const number = "4111 1111 1111 1111";
/** Numbers that are no cards, of which none is ever sure not to go on. */
const row = "9999 ".repeat(250);
const pieces = (text: string, size: number) => text.match(new RegExp(`.{1,${size}}`, "gs")) ?? [];
const borders = Array.from({ length: number.length - 1 }, (_, at) => at + 1);

for (const surface of Object.keys(apis) as StreamingApi[]) {
  test(`a number is masked at whatever place of a long stream it is cut in two: ${surface}`, async (t) => {
    const bench = await open(t, { pii: ["credit-card"], action: "mask" });
    const sent = borders.flatMap((at) => [
      ...pieces(row, 7 + (at % 3)),
      number.slice(0, at),
      `${number.slice(at)} or `,
    ]);
    assert.ok(sent.join("").length > 5_000);
    const answer = await streamed(bench, surface, sent);
    assert.equal(apis[surface].heard(answer), `${row}[credit-card] or `.repeat(borders.length));
    assert.doesNotMatch(answer, /4111|1111/);
  });

  test(`a number blocks at whatever place of a long stream it is cut in two: ${surface}`, async (t) => {
    const bench = await open(t, { pii: ["credit-card"], action: "block" });
    const before = pieces(row.repeat(4), 29);
    assert.ok(before.join("").length >= 5_000);
    for (const at of borders) {
      const answer = await streamed(bench, surface, [
        ...before,
        number.slice(0, at),
        number.slice(at),
        " and so on",
      ]);
      assert.match(answer, /blocked by the content filter: credit-card/);
      assert.match(apis[surface].heard(answer), /^[9 ]*$/);
    }
  });
}

const everything = ["email", "phone", "iban", "credit-card", "ssn", "ipv4", "ipv6", "api-key"];
const rules = [
  { pii: everything, action: "mask" },
  { name: "names", words: ["falcon", "red fox", "c++", "a b c"], action: "mask" },
];
const texts = fc
  .array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom(" ", " ", ", ", "\n", ".", "-", ":", "@", "(", "+", "x", "é👋"),
      },
      {
        weight: 4,
        arbitrary: fc.constantFrom(
          ...["9999 ", "anna", "@example.com", number, "+49 (0)30 1234-5678", "(555) 123-4567", "00"],
          ...["DE89 3704 0044 0532 0130 00", "10.0.0.1", "2001:db8::8329", `sk-proj-${"a1B2".repeat(8)}`],
          ...[
            "4000 1 2 3 4 5 6 7 8 9 0 1 2 3 4 3",
            "078-05-1120",
            "falcon",
            "Red  Fox",
            "c++",
            "a b",
            "c",
            "word ",
            "1",
            "22",
            "AB",
          ],
        ),
      },
      { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom("1", " ", "a", "-", "."), maxLength: 90 }) },
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(""));

test("of any text in any pieces the same is masked as in the whole answer", async (t) => {
  const bench = await open(t, ...rules);
  const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(texts, sizes, async (text, lengths) => {
      await bench.fake.play({ body: JSON.stringify({ choices: [{ message: { content: text } }] }) });
      const whole = await bench.gateway.post(paths.openai, { ...asks, stream: false });
      const { choices } = (await whole.json()) as { choices: [{ message: { content: string } }] };
      const sent: string[] = [];
      for (let at = 0, turn = 0; at < text.length; turn += 1) {
        const size = lengths[turn % lengths.length] ?? 1;
        sent.push(text.slice(at, at + size));
        at += size;
      }
      const answer = await streamed(bench, "openai", sent);
      assert.equal(contentOf(answer), choices[0].message.content);
    }),
    { numRuns: 100 },
  );
});

const card = { pii: ["credit-card"], action: "mask" };
const alone: readonly (readonly [
  what: string,
  rule: object,
  sent: readonly string[],
  heard: string | RegExp,
])[] = [
  [
    "a whole answer in one event, over all that may be held",
    card,
    [`${"word ".repeat(15_000)}${number}`],
    /^(word ){15000}\[…\]$/,
  ],
  [
    "events that are each longer than the window",
    card,
    Array.from({ length: 20 }, () => `${"word ".repeat(200)}${number} and 41`),
    `${"word ".repeat(200)}[credit-card] and 41`.repeat(20),
  ],
  [
    "a word that is longer than the window, letter by letter",
    { words: ["falcon"], action: "mask" },
    [..."x".repeat(1_000), " ", ..."falcon", "."],
    `${"x".repeat(1_000)} [words].`,
  ],
  [
    "a match of a regex without a bound",
    { name: "long", regex: "id=\\w+", action: "mask" },
    pieces(`Its id=${"a1".repeat(2_000)}.`, 11),
    /^Its \[long\](a1|1a|1|a)*\.$/,
  ],
  [
    "a line that is longer than the window",
    { name: "ticket", regex: "\\b[A-Z]{2,5}-\\d+\\b", action: "mask" },
    pieces("See OPS-17 and so on, ".repeat(200), 5),
    "See [ticket] and so on, ".repeat(200),
  ],
];

for (const [what, rule, sent, heard] of alone) {
  test(`in a stream: ${what}`, async (t) => {
    const answer = contentOf(await streamed(await open(t, rule), "openai", sent));
    if (typeof heard === "string") assert.equal(answer, heard);
    else assert.match(answer, heard);
  });
}

test("calls of tools after a text that is masked are not lost", async (t) => {
  const { gateway, fake } = await open(t, { pii: ["email"], action: "mask" });
  const call = (text: string) =>
    chunk("", { delta: { tool_calls: [{ index: 0, function: { arguments: text } }] } });
  const calls = call('{"to":') + call('"a@b.de"}');
  await fake.play({ headers: eventStream, body: chunk("I ask a@b") + chunk(".de") + calls + finish + done });
  const text = await (await gateway.post(paths.openai, asks)).text();
  assert.equal(contentOf(text), "I ask [email]");
  assert.ok(text.endsWith(calls + finish + done), text);
});

test("a client is never further behind than the window", { timeout: 20_000 }, async (t) => {
  const sent: string[] = [];
  let heard = "";
  async function* body() {
    for (const piece of pieces(row, 7)) {
      sent.push(piece);
      yield Buffer.from(chunk(piece));
      // The whole window may wait, and this event.
      while (sent.join("").length - heard.length > 256 + 7 && !t.signal.aborted) await delay(1);
    }
    yield Buffer.from(finish + done);
  }
  const { gateway, fake } = await open(t, card);
  await fake.play({ headers: eventStream, body: body() });
  let stream = "";
  for await (const bytes of (await gateway.post(paths.openai, asks)).body ?? []) {
    stream += Buffer.from(bytes).toString();
    heard = contentOf(stream.slice(0, stream.lastIndexOf("\n\n") + 2));
  }
  assert.equal(heard, row);
});
