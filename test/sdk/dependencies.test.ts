import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { compileSources, openSources, packages, writeSources } from "./source-plugin.ts";

/** Of each package: an `answers` that a plugin and Node both run. */
const uses: Readonly<Record<string, string>> = {
  zod: `
import { z } from "zod";

const schema = z.object({
  model: z.string().min(1).default("small"),
  temperature: z.number().min(0).max(2).optional(),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  tool: z.discriminatedUnion("type", [
    z.object({ type: z.literal("none") }),
    z.object({ type: z.literal("call"), name: z.string().regex(/^[a-z_]+$/), args: z.record(z.string(), z.unknown()).default({}) }),
  ]).default({ type: "none" }),
  user: z.email().transform((mail) => mail.toLowerCase()).optional(),
  since: z.iso.datetime().pipe(z.coerce.date()).optional(),
  tags: z.set(z.enum(["a", "b"])).or(z.array(z.string()).transform((all) => new Set(all))).optional(),
  big: z.coerce.bigint().optional(),
}).strict().refine(({ model, temperature }) => model !== "large" || temperature !== undefined, {
  path: ["temperature"],
  error: "large wants a temperature",
});

const inputs: readonly unknown[] = [
  {},
  { model: "m", temperature: 0.5, stop: ["x"], tool: { type: "call", name: "find_it" }, user: "A@Example.com", since: "2024-02-29T12:00:00Z", tags: ["a", "c", "a"], big: "123456789012345678901" },
  { model: "", temperature: 3, stop: [1], tool: { type: "call", name: "No" }, user: "nobody", since: "yesterday", extra: true },
  { model: "large" },
  { tool: { type: "other" } },
  null,
  "text",
];

export function answers(): unknown {
  return inputs.map((input) => {
    const parsed = schema.safeParse(input);
    if (!parsed.success) return { issues: parsed.error.issues, tree: z.treeifyError(parsed.error), pretty: z.prettifyError(parsed.error) };
    const { tags, big, ...rest } = parsed.data;
    return { ...rest, tags: tags === undefined ? null : [...tags], big: String(big) };
  });
}
`,
  dayjs: `
import dayjs from "dayjs";
import customParseFormat from "dayjs/plugin/customParseFormat.js";
import duration from "dayjs/plugin/duration.js";
import isoWeek from "dayjs/plugin/isoWeek.js";
import relativeTime from "dayjs/plugin/relativeTime.js";
import utc from "dayjs/plugin/utc.js";

for (const plugin of [customParseFormat, duration, isoWeek, relativeTime, utc]) dayjs.extend(plugin);

export function answers(): unknown {
  const day = dayjs.utc("2024-01-31T23:59:58.007Z");
  return [
    day.format("YYYY-MM-DDTHH:mm:ss.SSS[Z] dddd D MMMM h A ZZ"),
    day.add(1, "month").toISOString(),
    day.subtract(1, "year").endOf("month").format(),
    day.startOf("week").valueOf(),
    day.isoWeek(),
    day.utcOffset(120).format("YYYY-MM-DD HH:mm Z"),
    day.diff(dayjs.utc("2023-12-25"), "day", true),
    day.isBefore("2024-02-01T00:00:00Z"),
    dayjs.utc("05/03/2024 7:08 PM", "DD/MM/YYYY h:mm A").toJSON(),
    dayjs.utc("nonsense").isValid(),
    dayjs.duration(93_784_005).format("D[d] HH:mm:ss"),
    dayjs.duration({ hours: 30 }).toISOString(),
    dayjs.utc(0).from(dayjs.utc(86_400_000 * 3)),
    dayjs.utc("2024-03-10").daysInMonth(),
    JSON.stringify({ day }),
  ];
}
`,
  "js-base64": `
import { Base64, decode, encode, encodeURI, fromUint8Array, isValid, toUint8Array } from "js-base64";

export function answers(): unknown {
  const texts = ["", "f", "fo", "foo", "héllo wörld", "漢字かな", "😀👨‍👩‍👧", "a".repeat(1000)];
  return [
    texts.map((text) => [encode(text), encodeURI(text), decode(encode(text)) === text, decode(encodeURI(text)) === text]),
    fromUint8Array(Uint8Array.from({ length: 256 }, (_, byte) => byte)),
    [...toUint8Array("-_8")],
    isValid("Zm9v"), isValid("Zm9v!"), Base64.btoa("x"), Base64.atob("eA=="), Base64.version,
  ];
}
`,
};

const plugin = `import { definePlugin } from "@sandgate/plugin-sdk";
import { answers } from "./answers.ts";
export default definePlugin({
  name: "made",
  version: "1.0.0",
  hooks: { pre_request: { writes: ["tags"] } },
  preRequest: () => ({ type: "tag", name: "t", value: JSON.stringify(answers()) }),
});`;

for (const [name, source] of Object.entries(uses)) {
  test(`${name} does in a plugin what it does in Node`, async (t) => {
    const sources = { "plugin.ts": plugin, "answers.ts": source, node_modules: packages };
    const folder = await writeSources(t, sources);
    const { answers } = (await import(`${folder}/answers.ts`)) as { answers(): unknown };
    const expected = JSON.stringify(answers());
    assert.ok(expected.length > 200, expected);
    const { tag } = await openSources(t, sources);
    assert.deepEqual(JSON.parse(await tag()), JSON.parse(expected));
  });
}

test("a package changes nothing of what a plugin may do: no imports come with it", async (t) => {
  const { wasm } = await compileSources(t, {
    "plugin.ts": plugin,
    "answers.ts": uses["js-base64"] ?? "",
    node_modules: packages,
  });
  const modules = new Set(decodeModule(wasm).imports.map(({ module }) => module));
  assert.deepEqual([...modules], ["extism:host/env"]);
});
