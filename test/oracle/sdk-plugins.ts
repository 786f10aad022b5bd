import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compilePlugin } from "#sdk/compile/compile-plugin.ts";
import type { OracleCase } from "./modules.ts";

/** A plugin of plain functions, as one for the Extism JS PDK is written, compiled by our SDK. */
const source = `
declare const Host: any, Config: any, Var: any;
const texts = new Map([["a", 1], ["b", 2]]);

export function echo() {
  Host.outputString(Host.inputString());
  return 0;
}

export function transform() {
  const { numbers, text } = JSON.parse(Host.inputString());
  const sorted = numbers.toSorted((a, b) => b - a);
  const counts = Object.groupBy([...text], (one) => (/\\p{L}/u.test(one) ? "letters" : "others"));
  Host.outputString(JSON.stringify({
    sorted,
    sum: sorted.reduce((all, one) => all + one, 0),
    upper: text.toUpperCase().replaceAll(/(\\d+)/g, "<$1>"),
    letters: counts.letters?.length ?? 0,
    map: [...texts],
    big: (2n ** 70n).toString(),
  }));
  return 0;
}

export function bytes() {
  const all = new Uint8Array(Host.inputBytes());
  Host.outputBytes(all.reverse().buffer);
  return 0;
}

export function configured() {
  Host.outputString(String(Config.get("greeting")) + " " + String(Config.get("missing")));
  return 0;
}

export function remember() {
  Var.set("last", Host.inputString());
  Host.outputString(Var.getString("last") + Var.getString("never"));
  return 0;
}

export function logs() {
  console.log("a line");
  console.error("an error");
  return 0;
}

export function throws() {
  throw new TypeError("it went wrong");
}
`;

export async function sdkCases(): Promise<OracleCase[]> {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-oracle-"));
  try {
    const file = join(folder, "plugin.ts");
    await writeFile(file, source);
    const { wasm } = await compilePlugin(file);
    const json = JSON.stringify({ numbers: [3, -1, 2.5, 1e21], text: "Grüße 42 mal, 7" });
    const calls: OracleCase["calls"] = [
      ["echo", "text é💥"],
      ["transform", json],
      ["bytes", Uint8Array.from({ length: 300 }, (_, index) => index)],
      ["configured", ""],
      ["remember", "this"],
      ["logs", ""],
      ["throws", ""],
    ];
    // Each on its own, and in a row: state carries over in the same way.
    return [
      { name: "TypeScript, in a row", wasm, config: { greeting: "Hello" }, calls: calls.slice(0, -1) },
      ...calls.map((call) => ({ name: `TypeScript: ${call[0]}`, wasm, config: {}, calls: [call] })),
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}
