import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { Json } from "@sandgate/plugin-sdk";
import { type OpenOptions, openPlugin, PluginRefused, StepFailure } from "@sandgate/plugin-sdk/testing";

const file = join(import.meta.dirname, "../content-filter.wasm");
type Rules = readonly NonNullable<OpenOptions["config"]>[];

const open = (...rules: Rules) => openPlugin(file, { config: { rules: [...rules] } });

/** What becomes of a text in a request. */
async function textAfter(text: string, ...rules: Rules): Promise<string> {
  await using plugin = await open(...rules);
  const { request } = await plugin.call("pre_request", {
    body: { messages: [{ role: "user", content: text }] },
  });
  return (request.body as { messages: [{ content: string }] }).messages[0].content;
}

const pii = [
  ["email", "Write to anna.maria+x@mail.example.co.uk, please.", "Write to [email], please."],
  ["email", "a@b, @home, x@.de and a@@b.de are none", "a@b, @home, x@.de and a@@b.de are none"],
  ["email", "<bob@example.com>;bob@example.com.", "<[email]>;[email]."],
  ["phone", "Call +49 (0)30 1234-5678 or 0049 30 12345678.", "Call [phone] or [phone]."],
  ["phone", "Call (555) 123-4567 or 555-123-4567 today", "Call [phone] or [phone] today"],
  [
    "phone",
    "In 2026 there were 1000 of 20000; version 1.2.3",
    "In 2026 there were 1000 of 20000; version 1.2.3",
  ],
  ["iban", "DE89 3704 0044 0532 0130 00 AND MORE", "[iban] AND MORE"],
  ["iban", "GB29NWBK60161331926819, NO9386011117947.", "[iban], [iban]."],
  ["iban", "DE88370400440532013000 has wrong digits", "DE88370400440532013000 has wrong digits"],
  ["iban", "GB29 NWBK 6016 1331 9268 19 THE END", "[iban] THE END"],
  ["credit-card", "4111 1111 1111 1111 12/28", "[credit-card] 12/28"],
  ["credit-card", "5500-0000-0000-0004 and 378282246310005", "[credit-card] and [credit-card]"],
  ["credit-card", "4111 1111 1111 1112 is none", "4111 1111 1111 1112 is none"],
  ["ssn", "078-05-1120, 000-05-1120, 078-00-1120", "[ssn], 000-05-1120, 078-00-1120"],
  [
    "ipv4",
    "From 10.0.0.1 to 255.255.255.255. Not 1.2.3.4.5 or 256.1.1.1",
    "From [ipv4] to [ipv4]. Not 1.2.3.4.5 or 256.1.1.1",
  ],
  ["ipv6", "2001:db8::ff00:42:8329 and 1:2:3:4:5:6:7:8", "[ipv6] and [ipv6]"],
  ["ipv6", "std::vector at 12:30:45, a::b::c", "std::vector at 12:30:45, a::b::c"],
  ["api-key", `sk-proj-${"a1B2".repeat(8)}, AKIAIOSFODNN7EXAMPLE`, "[api-key], [api-key]"],
  ["api-key", `ghp_${"a".repeat(36)}; task-force-sk-short`, "[api-key]; task-force-sk-short"],
] as const;

for (const [kind, text, wanted] of pii) {
  test(`${kind}: ${text.slice(0, 60)}`, async () => {
    assert.equal(await textAfter(text, { pii: [kind], action: "mask" }), wanted);
  });
}

test("words are whole words in upper and lower case, also in other scripts and of several", async () => {
  const rule = { name: "secret", words: ["Falcon", "red fox", "größe", "c++"], action: "mask" };
  assert.equal(
    await textAfter("FALCON falcons Red  Fox, Größe Größen c++ übergröße", rule),
    "[secret] falcons [secret], [secret] Größen [secret] übergröße",
  );
});

test("a regex finds what it says, and its special characters are those of a regex", async () => {
  const text = "Ticket ABC-123 and abc-9, not ABC123";
  assert.equal(
    await textAfter(text, { regex: "\\b[A-Z]{3}-\\d+", action: "mask" }),
    "Ticket [regex] and [regex], not ABC123",
  );
});

test("of findings that overlap nothing is left, and those that only tag change nothing", async () => {
  const rules = [
    { name: "a", regex: "bcd", action: "mask" },
    { name: "b", regex: "abc", action: "mask" },
    { name: "c", regex: "de", action: "mask" },
    { name: "d", regex: "xyz", action: "tag" },
  ];
  assert.equal(await textAfter("1 abcdef 2 xyz", ...rules), "1 [b]f 2 xyz");
});

const bodies: readonly (readonly [string, Json, Json])[] = [
  [
    "chat",
    { messages: [{ role: "user", content: "a@b.de" }] },
    { messages: [{ role: "user", content: "[email]" }] },
  ],
  [
    "chat with parts and a tool's arguments",
    {
      messages: [
        {
          content: [
            { type: "text", text: "a@b.de" },
            { type: "image_url", image_url: { url: "http://a@b.de/" } },
          ],
        },
        { tool_calls: [{ id: "a@b.de", function: { name: "mail", arguments: '{"to":"a@b.de"}' } }] },
      ],
    },
    {
      messages: [
        {
          content: [
            { type: "text", text: "[email]" },
            { type: "image_url", image_url: { url: "http://a@b.de/" } },
          ],
        },
        { tool_calls: [{ id: "a@b.de", function: { name: "mail", arguments: '{"to":"[email]"}' } }] },
      ],
    },
  ],
  [
    "responses",
    {
      instructions: "a@b.de",
      input: [{ role: "a@b.de", content: [{ type: "input_text", text: "a@b.de" }] }],
    },
    {
      instructions: "[email]",
      input: [{ role: "a@b.de", content: [{ type: "input_text", text: "[email]" }] }],
    },
  ],
  ["responses and embeddings with a text", { input: ["a@b.de", "b"] }, { input: ["[email]", "b"] }],
  [
    "Anthropic's messages with a tool's input and result",
    {
      system: [{ type: "text", text: "a@b.de" }],
      messages: [
        { content: [{ type: "tool_use", name: "t", input: { "to/~": ["a@b.de"], "": { x: "a@b.de" } } }] },
        { content: [{ type: "tool_result", content: "a@b.de" }] },
      ],
    },
    {
      system: [{ type: "text", text: "[email]" }],
      messages: [
        { content: [{ type: "tool_use", name: "t", input: { "to/~": ["[email]"], "": { x: "[email]" } } }] },
        { content: [{ type: "tool_result", content: "[email]" }] },
      ],
    },
  ],
  [
    "Gemini's contents",
    { contents: [{ role: "user", parts: [{ text: "a@b.de" }] }], model: "a@b.de" },
    { contents: [{ role: "user", parts: [{ text: "[email]" }] }], model: "a@b.de" },
  ],
];

for (const [name, body, wanted] of bodies) {
  test(`request: ${name}`, async () => {
    await using plugin = await open({ pii: ["email"], action: "mask" });
    const { request, exchange } = await plugin.call("pre_request", { body });
    assert.deepEqual(request.body, wanted);
    assert.deepEqual({ ...exchange.tags }, { "content-filter.request": "email" });
  });
}

for (const [name, body, wanted] of [
  [
    "chat",
    { choices: [{ message: { content: "a@b.de" } }] },
    { choices: [{ message: { content: "[email]" } }] },
  ],
  [
    "responses",
    { output: [{ content: [{ text: "a@b.de" }] }] },
    { output: [{ content: [{ text: "[email]" }] }] },
  ],
  [
    "Anthropic",
    { content: [{ type: "text", text: "a@b.de" }] },
    { content: [{ type: "text", text: "[email]" }] },
  ],
  [
    "Gemini",
    { candidates: [{ content: { parts: [{ text: "a@b.de" }] } }] },
    { candidates: [{ content: { parts: [{ text: "[email]" }] } }] },
  ],
] as const) {
  test(`answer: ${name}`, async () => {
    await using plugin = await open({ pii: ["email"], action: "mask" });
    const { response } = await plugin.call("post_request", { response: { body } });
    assert.deepEqual(response?.body, wanted);
  });
}

test("what blocks is told by its name and not by what was found, in a request and in an answer", async () => {
  await using plugin = await open(
    { name: "project names", words: ["falcon"], action: "block" },
    { pii: ["email"], action: "mask" },
  );
  const asked = await plugin.call("pre_request", { body: { messages: [{ content: "Falcon a@b.de" }] } });
  assert.equal(asked.response?.status, 403);
  assert.doesNotMatch(JSON.stringify(asked.effects), /falcon|a@b/i);
  assert.deepEqual({ ...asked.exchange.tags }, { "content-filter.request": "email,project names" });
  const answered = await plugin.call("post_request", {
    response: { body: { choices: [{ text: "FALCON" }] } },
  });
  assert.equal(answered.response?.status, 403);
});

test("a rule is for one side only where its `on` says so", async () => {
  await using plugin = await open({ words: ["no"], action: "block", on: ["response"] });
  const { effects } = await plugin.call("pre_request", { body: { messages: [{ content: "no" }] } });
  assert.deepEqual(effects, []);
});

test("what is no body of an API goes on", async () => {
  await using plugin = await open({ pii: ["email"], action: "block" });
  for (const body of [
    "[]",
    '"a@b.de"',
    "null",
    '{"messages":null}',
    '{"messages":{"a":[1,null,true]}}',
    '{"note":"a@b.de"}',
  ]) {
    assert.deepEqual((await plugin.call("pre_request", { body })).effects, []);
  }
  assert.deepEqual((await plugin.call("pre_request")).effects, []);
});

test("a regex that takes for ever ends by fuel, and the next request is served", async () => {
  const rules = [{ regex: "(a+)+$", action: "mask" }];
  await using plugin = await openPlugin(file, { config: { rules }, limits: { fuel: 20_000_000 } });
  const evil = { body: { messages: [{ content: `${"a".repeat(40)}!` }] } };
  await assert.rejects(
    plugin.call("pre_request", evil),
    (thrown) => thrown instanceof StepFailure && thrown.outcome === "fuel",
  );
  const { effects } = await plugin.call("pre_request", { body: { messages: [{ content: "b" }] } });
  assert.deepEqual(effects, []);
});

const refused: readonly (readonly [Rules, RegExp])[] = [
  [[], /config\.rules: must NOT have fewer than 1 items/],
  [[{ action: "mask" }], /config\.rules\.0/],
  [[{ words: ["a"], action: "hide" }], /config\.rules\.0\.action: must be one of/],
  [[{ regex: "(", action: "mask" }], /rules\.0\.regex: /],
  [
    [
      { words: ["a"], action: "tag" },
      { regex: "a*", action: "mask" },
    ],
    /rules\.1\.regex: it finds the empty text/,
  ],
  [[{ pii: ["mail"], action: "mask" }], /config\.rules\.0\.pii\.0: must be one of/],
];

for (const [rules, problem] of refused) {
  test(`refused: ${JSON.stringify(rules)}`, async () => {
    await assert.rejects(open(...rules), (thrown) => {
      assert.ok(thrown instanceof PluginRefused);
      assert.match(thrown.message, problem);
      return true;
    });
  });
}

const kib = "The quick brown fox jumps over the lazy dog, 42 times in 2026. ".repeat(17).slice(0, 1_024);
const costs: readonly (readonly [name: string, rule: Rules[number], fuel: number])[] = [
  [
    "all personal data",
    { pii: ["email", "phone", "iban", "credit-card", "ssn", "ipv4", "ipv6", "api-key"] },
    10_000_000,
  ],
  ["100 words", { words: Array.from({ length: 100 }, (_, index) => `word${index}`) }, 10_000_000],
];

for (const [name, rule, fuel] of costs) {
  test(`${name} in 1 KiB of text costs at most ${fuel} fuel`, async () => {
    await using plugin = await open({ ...rule, action: "mask" });
    const { fuel: used } = await plugin.call("pre_request", { body: { messages: [{ content: kib }] } });
    assert.ok(used <= fuel, `${used} fuel`);
  });
}
