import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Given, type OpenOptions, type OpenPlugin, openPlugin } from "@sandgate/plugin-sdk/testing";
import { bodyBytes } from "#host/exchange.ts";

const file = join(import.meta.dirname, "../request-transform.wasm");

type Config = NonNullable<OpenOptions["config"]>;
type Fields = Readonly<Record<string, string>>;

const headerCases: readonly {
  readonly name: string;
  readonly rules: Config;
  readonly from: Fields;
  readonly to: Fields;
}[] = [
  {
    name: "set replaces and makes",
    rules: { set: { "X-Team": "search", "x-new": "" } },
    from: { "x-team": "ads", "x-other": "1" },
    to: { "x-team": "search", "x-other": "1", "x-new": "" },
  },
  {
    name: "add appends after a comma, or makes the header",
    rules: { add: { "Anthropic-Beta": "b", "x-new": "1", "x-empty": "2" } },
    from: { "anthropic-beta": "a, c", "x-empty": "" },
    to: { "anthropic-beta": "a, c, b", "x-empty": "2", "x-new": "1" },
  },
  {
    name: "default leaves what is there, also when it is empty",
    rules: { default: { "x-team": "search", "x-empty": "1", "x-new": "2" } },
    from: { "x-team": "ads", "x-empty": "" },
    to: { "x-team": "ads", "x-empty": "", "x-new": "2" },
  },
  {
    name: "remove, whether it is there or not",
    rules: { remove: ["X-Debug", "x-absent"] },
    from: { "x-debug": "1", "x-other": "2" },
    to: { "x-other": "2" },
  },
  {
    name: "names that objects inherit are headers like any other",
    rules: {
      set: { constructor: "1" },
      add: { tostring: "2", hasownproperty: "3" },
      default: { valueof: "4" },
      remove: ["__proto__"],
    },
    from: { tostring: "0" },
    to: { tostring: "0, 2", constructor: "1", hasownproperty: "3", valueof: "4" },
  },
  {
    name: "what latin1 can say, quotes and backslashes",
    rules: { set: { "x-name": 'J\u00fcrgen "\\ \u00ff' }, add: { "x-old": "\u00e9" } },
    from: { "x-old": "\u00e0" },
    to: { "x-name": 'J\u00fcrgen "\\ \u00ff', "x-old": "\u00e0, \u00e9" },
  },
  { name: "no rules", rules: {}, from: { "x-a": "1" }, to: { "x-a": "1" } },
];

for (const { name, rules, from, to } of headerCases) {
  test(`request and response headers: ${name}`, async (t) => {
    const config = { request: { headers: rules }, response: { headers: rules } };
    const plugin = await openPlugin(file, { config });
    t.after(plugin.close);
    const request = await plugin.call("pre_request", { headers: from });
    assert.deepEqual({ ...request.exchange.request.headers }, to);
    const response = await plugin.call("post_request", { response: { headers: from } });
    assert.deepEqual({ ...response.exchange.response?.headers }, to);
    assert.deepEqual([...request.log, ...response.log], []);
  });
}

test("an answer header that was sent twice counts as one value", async (t) => {
  const config = { response: { headers: { add: { vary: "x-team" } } } };
  const plugin = await openPlugin(file, { config });
  t.after(plugin.close);
  const given: Given = { response: { headers: { vary: ["origin", "accept"] } } };
  const { exchange } = await plugin.call("post_request", given);
  assert.deepEqual({ ...exchange.response?.headers }, { vary: "origin, accept, x-team" });
});

const bodyCases: readonly {
  readonly name: string;
  readonly rules: Config;
  readonly from: string;
  readonly to: string;
}[] = [
  {
    name: "set replaces in place and makes",
    rules: { set: { "/temperature": 0, "/new": [1, { a: null }] } },
    from: '{"temperature":1,"model":"m"}',
    to: '{"temperature":0,"model":"m","new":[1,{"a":null}]}',
  },
  {
    name: "set makes the parents that are missing",
    rules: { set: { "/metadata/team/name": "search", "/metadata/team/id": 7, "/stop/-": "x" } },
    from: "{}",
    to: '{"metadata":{"team":{"name":"search","id":7}},"stop":["x"]}',
  },
  {
    name: "set replaces what stands in the way",
    rules: { set: { "/a/x": 1, "/b/x": 1, "/c/x": 1, "/d/x/y": 1, "/e/x": 1 } },
    from: '{"a":null,"b":"text","c":[1,2],"d":{"x":0,"z":1},"e":{"y":2}}',
    to: '{"a":{"x":1},"b":{"x":1},"c":{"x":1},"d":{"x":{"y":1},"z":1},"e":{"y":2,"x":1}}',
  },
  {
    name: "set in lists: an item, a member of one, the next, the end, and nothing past it",
    rules: {
      set: {
        "/messages/0/role": "system",
        "/messages/1": "b",
        "/messages/-": "c",
        "/messages/3/text": "d",
        "/messages/9": "never",
        "/messages/9/x": "never",
      },
    },
    from: '{"messages":[{"role":"user","content":"a"},"x"]}',
    to: '{"messages":[{"role":"system","content":"a"},"b","c",{"text":"d"}]}',
  },
  {
    name: "default only where there is nothing",
    rules: { default: { "/max_tokens": 256, "/n": 1, "/seed": 2, "/metadata/team": "search" } },
    from: '{"max_tokens":10,"n":null,"metadata":{"user":"u"}}',
    to: '{"max_tokens":10,"n":null,"metadata":{"user":"u","team":"search"},"seed":2}',
  },
  {
    name: "default replaces nothing that stands in the way",
    rules: { default: { "/a/x": 1, "/b/x": 1, "/c/x": 1, "/d/x": 1 } },
    from: '{"a":null,"b":"text","c":[1],"d":false}',
    to: '{"a":null,"b":"text","c":[1],"d":false}',
  },
  {
    name: "default makes parents",
    rules: { default: { "/response_format/type": "json_object" } },
    from: "{}",
    to: '{"response_format":{"type":"json_object"}}',
  },
  {
    name: "remove, whether it is there or not",
    rules: {
      remove: [
        "/user",
        "/absent",
        "/metadata/team",
        "/metadata/absent/x",
        "/model/x",
        "/stop/1",
        "/stop/7",
        "/stop/-",
      ],
    },
    from: '{"user":"u","model":"m","metadata":{"team":"t"},"stop":["a","b","c"]}',
    to: '{"model":"m","metadata":{},"stop":["a","c"]}',
  },
  {
    name: "remove, then set, then default; each sees what those before it did",
    rules: {
      default: { "/metadata/kept": 3, "/metadata/team/x": "never" },
      set: { "/metadata/team": "search", "/list": [1], "/list/-": 2, "/list/0": 0 },
      remove: ["/metadata", "/messages/0", "/messages/0/content"],
    },
    from: '{"metadata":{"user":"u"},"messages":[{},{"content":"x","role":"user"}]}',
    to: '{"messages":[{"role":"user"}],"metadata":{"team":"search","kept":3},"list":[0,2]}',
  },
  {
    name: "escapes, empty names, other scripts, half a surrogate pair",
    rules: {
      set: {
        "/a~1b": 1,
        "/c~0d": 2,
        "/~01": 3,
        "/": 4,
        "//x": 5,
        "/\u65e5\u672c/\u{1f600}": "\ud800",
        "/a b": 6,
      },
    },
    from: '{"a/b":0,"~1":0}',
    to: '{"a/b":1,"~1":3,"c~d":2,"":{"x":5},"\u65e5\u672c":{"\u{1f600}":"\\ud800"},"a b":6}',
  },
  {
    name: "names that objects inherit are members like any other",
    rules: {
      set: { "/__proto__/x": 1, "/constructor/prototype/y": 2, "/toString": 3 },
      default: { "/hasOwnProperty": 4, "/valueOf/x": 5 },
      remove: ["/isPrototypeOf", "/__proto__/gone"],
    },
    from: '{"__proto__":{"gone":0,"kept":1}}',
    to: '{"__proto__":{"kept":1,"x":1},"constructor":{"prototype":{"y":2}},"toString":3,"hasOwnProperty":4,"valueOf":{"x":5}}',
  },
  {
    name: "__proto__ is made where it is missing",
    rules: { set: { "/__proto__/x": 1, "/a/__proto__": { y: 2 } }, default: { "/a/__proto__/z": 3 } },
    from: "{}",
    to: '{"__proto__":{"x":1},"a":{"__proto__":{"y":2,"z":3}}}',
  },
  {
    name: "numbers are names in an object",
    rules: { set: { "/logit_bias/50256": -100, "/logit_bias/-": 1 } },
    from: '{"logit_bias":{}}',
    to: '{"logit_bias":{"50256":-100,"-":1}}',
  },
];

for (const { name, rules, from, to } of bodyCases) {
  test(`body: ${name}`, async (t) => {
    const plugin = await openPlugin(file, { config: { request: { body: rules } } });
    t.after(plugin.close);
    const { exchange } = await plugin.call("pre_request", { body: from });
    assert.equal(textOf(exchange), to);
  });
}

const everyRule: Config = {
  request: { body: { set: { "/a/b": 1 }, default: { "/c": 2 }, remove: ["/d"] } },
};

for (const [name, given] of [
  ["a list", { body: "[1]" }],
  ["a text", { body: '"text"' }],
  ["null", { body: "null" }],
  ["a number", { body: "1" }],
  ["absent", {}],
  ["no JSON", { body: "--x", headers: { "content-type": "multipart/form-data; boundary=x" } }],
] as const) {
  test(`a body that is ${name} is left alone`, async (t) => {
    const plugin = await openPlugin(file, { config: everyRule });
    t.after(plugin.close);
    const { effects } = await plugin.call("pre_request", given);
    assert.deepEqual(effects, []);
  });
}

test("a header rule has the last word about the content-type of a changed body", async (t) => {
  const config = {
    request: { headers: { set: { "content-type": "application/x-json" } }, body: { set: { "/a": 1 } } },
  };
  const plugin = await openPlugin(file, { config });
  t.after(plugin.close);
  const { exchange } = await plugin.call("pre_request", { body: "{}" });
  assert.equal(exchange.request.headers["content-type"], "application/x-json");
});

test("an add that would make the value too long is left out, with a warning", async (t) => {
  const config = { request: { headers: { add: { "x-tags": "mine" } } } };
  const plugin = await openPlugin(file, { config });
  t.after(plugin.close);
  const fits = await plugin.call("pre_request", { headers: { "x-tags": "x".repeat(8_186) } });
  assert.equal(fits.exchange.request.headers["x-tags"]?.length, 8_192);
  const { effects, log } = await plugin.call("pre_request", { headers: { "x-tags": "x".repeat(10_000) } });
  assert.deepEqual(effects, []);
  assert.deepEqual(
    log.map(({ level, msg }) => [level, msg]),
    [["warn", "x-tags is too long already to add to it"]],
  );
});

const busy: Config = {
  request: {
    headers: {
      set: { "x-team": "search" },
      add: { "x-tags": "b" },
      default: { "x-d": "1" },
      remove: ["x-debug"],
    },
    body: {
      set: {
        "/metadata": { team: "search" },
        "/metadata/tags": ["a"],
        "/metadata/tags/-": "b",
        "/temperature": 0,
      },
      default: { "/max_tokens": 256, "/metadata/more": { x: 1 }, "/metadata/more/y": 2 },
      remove: ["/user"],
    },
  },
};

for (const state of ["request", "instance"] as const) {
  test(`state ${state}: what one request was changed to does not reach another, before it or beside it`, async (t) => {
    const plugin = await openPlugin(file, { config: busy, state });
    t.after(plugin.close);
    const given: readonly Given[] = [
      { body: "{}" },
      {
        body: '{"user":"u","max_tokens":1,"metadata":{"secret":"s"}}',
        headers: { "x-tags": "a", "x-debug": "1" },
      },
      { headers: { "x-d": "2" } },
      { body: '{"metadata":"text"}' },
    ];
    const effectsOf = async (one: Given) => (await plugin.call("pre_request", one)).effects;
    const first = [];
    for (const one of given) first.push(await effectsOf(one));
    const again = [...given, ...given].toReversed();
    const expected = [...first, ...first].toReversed();
    for (const [index, one] of again.entries()) assert.deepEqual(await effectsOf(one), expected[index]);
    assert.deepEqual(await Promise.all(again.map(effectsOf)), expected);
  });
}

const chat = (chars: number) =>
  JSON.stringify({ model: "m", messages: [{ role: "user", content: 'word "quoted"\n'.repeat(chars / 14) }] });

let plugin: OpenPlugin;
before(async () => {
  plugin = await openPlugin(file, { config: busy });
});
after(() => plugin.close());

for (const [name, hook, given, fuel] of [
  ["a request without body", "pre_request", {}, 400_000],
  ["a chat of 2 KB", "pre_request", { body: chat(2_000) }, 3_000_000],
  ["a chat of 200 KB", "pre_request", { body: chat(200_000) }, 25_000_000],
  [
    "10,000 bytes of headers",
    "pre_request",
    { headers: { "x-tags": "x".repeat(8_000), "x-b": "y".repeat(2_000) } },
    2_000_000,
  ],
  ["an answer without a rule for it", "post_request", { response: { headers: { vary: "origin" } } }, 100_000],
] as const) {
  test(`${name} costs at most ${fuel} fuel`, async () => {
    const { fuel: used } = await plugin.call(hook, given);
    assert.ok(used <= fuel, `${used} fuel`);
  });
}

test("a body that takes more than the limit ends the step, and the next request is served", async () => {
  const numbers = JSON.stringify({ input: Array(500_000).fill(1) });
  await assert.rejects(plugin.call("pre_request", { body: numbers }), {
    name: "StepFailure",
    outcome: "fuel",
  });
  const { exchange } = await plugin.call("pre_request", { body: '{"user":"u"}' });
  assert.match(textOf(exchange), /"temperature":0/);
});

function textOf({ request }: Awaited<ReturnType<OpenPlugin["call"]>>["exchange"]): string {
  assert.notEqual(request.body.kind, "stream");
  return Buffer.from((request.body.kind !== "stream" && bodyBytes(request.body)) || []).toString("utf8");
}
