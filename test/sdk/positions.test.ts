import assert from "node:assert/strict";
import { test } from "node:test";
import { compileSources, openSources, withBody } from "./source-plugin.ts";

/** A file of so many functions, one a line; the one at `failing` throws. */
function manyFunctions(count: number, failing: number): string {
  const lines = Array.from({ length: count }, (_, index) =>
    index === failing
      ? `export function f${index}(a: number): never { throw new RangeError(String(a)); }`
      : `export function f${index}(a: number): number { return a + ${index}; }`,
  );
  return `${lines.join("\n")}\nexport const all: any[] = [${lines.map((_, index) => `f${index}`)}];\n`;
}

test("an error in the midst of 2,000 functions names its line, and costs little fuel to describe", async (t) => {
  const plugin = await openSources(t, {
    "plugin.ts": withBody("return all[1_500](1) as never;", 'import { all } from "./many.ts";'),
    "many.ts": manyFunctions(2_000, 1_500),
  });
  const { error, fuelUsed } = await plugin.call("pre_request");
  assert.match(
    error ?? "",
    /^RangeError: 1\n {4}at f1500 \(many\.ts:1501:\d+\)\n {4}at preRequest \(plugin\.ts:/,
  );
  assert.ok(fuelUsed < 1_000_000, `${fuelUsed} units`);
});

test("a function costs the module less than a kilobyte", async (t) => {
  const sizeOf = async (count: number) => {
    const sources = { "plugin.ts": manyFunctions(count, 0).replace("all: any[]", "all") };
    return (
      await compileSources(t, {
        "plugin.ts": `import { all } from "./many.ts";\nexport const run = () => all.length;`,
        "many.ts": sources["plugin.ts"],
      })
    ).wasm.length;
  };
  const [few, many] = [await sizeOf(10), await sizeOf(2_010)];
  assert.ok((many - few) / 2_000 < 1_024, `${(many - few) / 2_000} bytes`);
});

test("a line of a minifier is shown around the place only", async (t) => {
  const before = "x".repeat(5_000);
  const source = `export const a = "${before}";export const b = = 1;export const c = "${before}";`;
  await assert.rejects(compileSources(t, source), ({ message }: Error) => {
    const [place, line = "", mark = ""] = message.split("\n");
    assert.match(place ?? "", /^plugin\.ts:1:5038: /);
    assert.ok(line.length < 200, `${line.length}`);
    assert.equal(line.slice(mark.indexOf("^"), mark.indexOf("^") + 3), "= 1");
    return true;
  });
});

test("lines of CRLF, tabs and characters of two units are counted as editors do", async (t) => {
  const plugin = await openSources(
    t,
    `export function run() {\r\n\t/* 😀é */ throw new Error("x");\r\n}\r\n`,
  );
  assert.match((await plugin.call("run")).error ?? "", /^Error: x\n {4}at run \(plugin\.ts:2:\d+\)$/);
  await assert.rejects(compileSources(t, "const a = 1;\r\n\t\tconst b = = 1;\r\n"), ({ message }: Error) => {
    assert.match(
      message,
      /^plugin\.ts:2:13: .*\n {2}1 \| const a = 1;\n> 2 \| \t\tconst b = = 1;\n {4}\| \t\t {10}\^\n/,
    );
    return true;
  });
});

for (const [title, body, input] of [
  ["input that is no JSON", "return [];", "{nope"],
  ["an answer that JSON cannot hold", "return [{ type: 'tag', name: 'a', value: 1n as never }];", "{}"],
] as const) {
  test(`frames of the SDK and of the engine's own functions are left out: ${title}`, async (t) => {
    const { outcome, error } = await (await openSources(t, withBody(body))).call("pre_request", input);
    assert.equal(outcome, "error");
    assert.match(error ?? "", /^(Syntax|Type)Error: [^\n]+$/);
  });
}
