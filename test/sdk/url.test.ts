import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openNodeAndPlugin } from "./node-and-plugin.ts";
import { openSources, withBody } from "./source-plugin.ts";

const parsing = `
const members = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"];
export const run = (pairs) => pairs.map(([text, base]) => {
  try {
    const url = new URL(text, base ?? undefined);
    return [members.map((name) => url[name]), [...url.searchParams], String(url), JSON.stringify(url), URL.canParse(text, base ?? undefined)];
  } catch (thrown) {
    return [thrown instanceof TypeError, URL.canParse(text, base ?? undefined), URL.parse(text, base ?? undefined)];
  }
});`;

const references = [
  ...[
    "",
    "?",
    "#",
    "?a",
    "#b",
    "/",
    "//",
    "///",
    "//h",
    "//h:80/p",
    "///p",
    "/a/../b",
    "./a",
    "../../c",
    "a:b",
  ],
  ...["a%zz", "\\", "\\a\\b", "/%2e%2E/x", ";p", "?a=b&c=d#e?f", ":", ":80", "//:80", "@", "//@", "//u@h"],
  ...["//u:p@h", "//:p@h"],
  " \t\n/x\r ",
  "/a\nb\tc",
  "//[::1]:90/",
  "//[1:2::ffff:1.2.3.4]",
  "//[::g]",
  "//1.2.3",
  "//0x7f.1",
  "//256.1.1.1",
  "//1e9",
  "//09.1",
  "//a b",
  "//a%20b",
  "//a%41b",
  "//a_b-c~d!",
  "//a^b",
  "//a|b",
  "//h:65535",
  "//h:65536",
  "//h:0",
  "//h:00080",
  "//h:8a",
  "/\u0001\u007f\u00e9\u{1f980}\ud800",
  "?q='\"<>`{}|\u00e9\u{1f980}\udc00 +%41",
  "#'\"<>`{} \u00e9",
  "//us er:pa'ss;=|^@h/",
];
const bases = [
  null,
  "http://user:pass@host:8080/a/b/c;d?e#f",
  "https://EXAMPLE.com.",
  "file:///C:/dir/file",
  "file://host/a",
  "data:text/plain,hello world  ",
  "mailto:a@b.c",
  "ws://x/y?z",
  "foo://Host:80/p/./q/../r",
  "foo:/bare",
  "blob:https://a.example:443/id",
  "javascript:alert(1)",
];

test("URL and its members are those of Node, for each of these references to each of these bases", async (t) => {
  const { both } = await openNodeAndPlugin(t, parsing);
  const pairs = bases.flatMap((base) => references.map((text) => [text, base]));
  for (const schemes of ["http:", "HTTPS:", "file:", "foo:", "ftp:"])
    pairs.push(...references.map((text) => [schemes + text, null]));
  assert.ok(pairs.length > 800);
  const { node, plugin } = await both(pairs);
  assert.deepEqual(plugin, node);
});

/** Hosts in ASCII, and none that claims to be of another script: see the test below. */
const piece = fc.oneof(
  fc.constantFrom(..."/?#:@.%;=&+[]\\|^ '\"<>{}~!$\t"),
  fc.constantFrom(
    "..",
    "%2e",
    "%2F",
    "//",
    "localhost",
    "a.example",
    "1.2",
    "0x10",
    "8080",
    "::1",
    "C:",
    "=&",
  ),
  fc.string({ maxLength: 6 }),
);
const text = fc.oneof(
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc
    .tuple(
      fc.constantFrom("http://", "https:", "ws://", "file:", "foo:", "foo://", ""),
      fc.array(piece, { maxLength: 8 }),
      fc.string({ unit: "binary", maxLength: 8 }),
      fc.constantFrom("/", "?", "#"),
    )
    .map(([start, pieces, any, mark]) => `${start}${pieces.join("")}h${mark}${any}`),
);

test("whatever is parsed, URL does what Node does", async (t) => {
  const { both } = await openNodeAndPlugin(t, parsing);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(text, fc.constantFrom(...bases.slice(0, 9))), { minLength: 40, maxLength: 40 }),
      async (pairs) => {
        const ascii = pairs.filter(([one]) => !/xn--/i.test(one));
        const { node, plugin } = await both(ascii);
        assert.deepEqual(plugin, node);
      },
    ),
    { numRuns: 15 },
  );
});

const setting = `
export const run = (changes) => changes.map(([text, name, value]) => {
  const url = new URL(text);
  const { searchParams } = url;
  try { url[name] = value; } catch (thrown) { return [thrown instanceof TypeError, url.href]; }
  return [url.href, [...searchParams], searchParams === url.searchParams];
});`;

test("each member that can be set changes the URL as in Node", async (t) => {
  const { both } = await openNodeAndPlugin(t, setting);
  const urls = [
    "http://user:pass@host:8080/a/b?c=d#e",
    "https://h/",
    "file:///a",
    "data:x,y",
    "foo://h",
    "foo:/p",
  ];
  const members = "href protocol username password host hostname port pathname search hash".split(" ");
  const values = [
    "",
    "a",
    "80",
    "443x",
    "https",
    "foo:",
    "h2:90",
    "h/x",
    "?x=y&z",
    "#f",
    "/a b/../c",
    "http://n/",
    ":",
    "é'",
  ];
  const isHost = (name: string) => name === "host" || name === "hostname";
  const changes = urls.flatMap((url) =>
    members.flatMap((name) =>
      values.filter((one) => one !== "é'" || !isHost(name)).map((one) => [url, name, one]),
    ),
  );
  const { node, plugin } = await both(changes);
  assert.deepEqual(plugin, node);
});

const editing = `
const shown = (params) => [String(params), [...params.keys()], [...params.values()], params.size];
export const run = (lists) => lists.map((edits) => {
  const url = new URL("http://h/?b=2&a=1&b=%20+3&%ff=&c");
  const alone = new URLSearchParams("?b=2&a=1&b=%20+3&%ff=&c");
  const answers = edits.map(([name, ...values]) => {
    const answered = [url.searchParams, alone].map((params) => params[name](...values) ?? null);
    return [answered, url.href, shown(alone)];
  });
  const seen = [];
  alone.forEach(function (value, name, params) { seen.push([value, name, params === alone, this.self]); }, { self: 1 });
  return [answers, seen];
});`;

test("URLSearchParams is edited as in Node, alone and in its URL", async (t) => {
  const { both } = await openNodeAndPlugin(t, editing);
  const name = fc.constantFrom("a", "b", "c", "é", "", "\ufffd", "x y");
  const value = fc.constantFrom("1", "2", "", "ü&=+%", "\u{1f980}\ud800");
  const edit = fc.oneof(
    fc.tuple(fc.constantFrom("append", "set"), name, value),
    fc.tuple(fc.constantFrom("delete", "has"), name, value),
    fc.tuple(fc.constantFrom("delete", "has", "get", "getAll"), name),
    fc.tuple(fc.constant("sort")),
  );
  const lists = fc.array(fc.array(edit, { maxLength: 6 }), { minLength: 20, maxLength: 20 });
  const all = ["a", "b", "c", "\ufffd"].map((one): [string, string] => ["delete", one]);
  await fc.assert(
    fc.asyncProperty(lists, async (edits) => {
      const { node, plugin } = await both([all, ...edits]);
      assert.deepEqual(plugin, node);
    }),
    { numRuns: 10 },
  );
});

test("URLSearchParams is made of a text, pairs, an object and another one", async (t) => {
  const { both } = await openNodeAndPlugin(
    t,
    `const made = (init) => { try { return String(new URLSearchParams(init)); } catch (thrown) { return thrown instanceof TypeError; } };
     export const run = (inits) => [...inits.map(made), made(undefined), made(new URLSearchParams("a=b&a=c")), made(new Map([["a", 1], ["b", null]]))];`,
  );
  const inits = [
    "?a=b",
    "??a",
    "",
    [
      ["a", "b"],
      ["a", "c"],
    ],
    { a: 1, b: true, ü: "ö" },
    [["a"]],
    [["a", "b", "c"]],
    [1],
    5,
  ];
  const { node, plugin } = await both(inits);
  assert.deepEqual(plugin, node);
});

test("a host that is not ASCII is refused with a reason, its xn-- form is taken", async (t) => {
  const plugin = await openSources(
    t,
    withBody(`
      const tried = (run: () => unknown) => { try { return String(run()); } catch (thrown) { return String(thrown); } };
      const url = new URL("http://a.example/");
      const made = [
        tried(() => new URL("http://bücher.example/")), tried(() => new URL("http://b%C3%BCcher.example/")),
        tried(() => new URL("http://xn--bcher-kva.example/").host), tried(() => URL.canParse("http://bücher.example")),
        tried(() => { url.host = "bücher.example"; }), url.href,
      ];
      return { type: "tag", name: "t", value: JSON.stringify(made) };`),
  );
  const refusal =
    "TypeError: Invalid URL: the host bücher.example is not ASCII; a plugin has to write its xn-- form";
  assert.deepEqual(JSON.parse(await plugin.tag()), [
    refusal,
    refusal,
    "xn--bcher-kva.example",
    "false",
    refusal,
    "http://a.example/",
  ]);
});
