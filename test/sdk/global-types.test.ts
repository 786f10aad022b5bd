import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { checkTypes } from "#sdk/compile/check-types.ts";
import { writeSources } from "./source-plugin.ts";

const source = `import words from "./words.txt";
import data from "./data.json";
const is = <T>(_value: T) => {};
declare module "extism:host" { interface user { another(at: PTR): I64 } }
export async function run(): Promise<I32> {
  const url = new URL("/a", new URL("http://h"));
  url.port = "80";
  for (const [name, value] of new URLSearchParams({ a: "1" })) is<string>(name + value);
  for (const [name, value] of new Headers([["a", "1"]])) is<string>(name + value + words);
  is<string | null>(url.searchParams.get("a") ?? new Headers(new Headers()).get("b"));
  is<number[]>(structuredClone(data).list);
  is<ArrayBuffer>(await crypto.subtle.digest("SHA-1", new TextEncoder().encode("x")));
  is<string>(new TextDecoder().decode(new Uint8Array(2), { stream: true }));
  const { kv_get, another } = Host.getFunctions();
  is<string>(Memory.find(another(kv_get(Memory.fromString("a").offset))).readJsonObject().any.member);
  is<bigint>(Memory.allocUInt64(1n).readUInt64());
  const answer: HttpResponse = Http.request({ url: url.href, headers: { a: 1 } }, new ArrayBuffer(1));
  is<number>(answer.status);
  return 0;
}
`;

/** The lines of what the checker says. */
async function wrongLines(t: Parameters<typeof writeSources>[0], text: string): Promise<number[]> {
  const files = { "plugin.ts": text, "words.txt": "x", "data.json": `{ "list": [1] }` };
  const problems = await checkTypes(join(await writeSources(t, files), "plugin.ts"));
  return problems.map(({ line }) => line);
}

test("the globals have types", async (t) => {
  assert.deepEqual(await wrongLines(t, source), []);
});

test("what the globals do not have is an error", async (t) => {
  const wrong = [
    'url.port = "80"; url.origin = "x";',
    "setTimeout(() => {}, 1);",
    'fetch("http://h");',
    "new URLSearchParams({ a: 1 }).get(); Host.getFunctions().none(1); crypto.subtle.encrypt();",
  ];
  const text = source.replace("  return 0;", `${wrong.join("\n")}\n  return 0;`);
  assert.deepEqual(await wrongLines(t, text), [19, 20, 21, 22, 22, 22, 22]);
});
