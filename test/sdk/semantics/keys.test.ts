import assert from "node:assert/strict";
import { test } from "node:test";
import { openSources, withBody } from "../source-plugin.ts";

const many = 4_000;
/** Kinds of keys of a Map, by their index. */
const kinds = {
  texts: "'key' + i",
  "small whole numbers": "i",
  "negative numbers": "-i",
  halves: "i + 0.5",
  thirds: "i / 3",
  "multiples of 65,536": "i * 65536",
  "times in milliseconds": "1_700_000_000_000 + i * 1000",
  "powers of two": "2 ** (i / 8 - 250)",
  "big numbers": "BigInt(i)",
  objects: "({ i })",
};

test("keys of every kind are found at about the cost of texts, in a Map and in a Set:", async (t) => {
  const makers = Object.entries(kinds).map(
    ([kind, key]) => `${JSON.stringify(kind)}: (i: number): unknown => ${key},`,
  );
  const plugin = await openSources(
    t,
    withBody(
      `const [map, set] = [new Map(), new Set()];
       for (let i = 0; i < ${many}; i++) { const key = kinds[input.kind](i); map.set(key, i); set.add(key); }
       let sum = 0;
       for (const key of set) sum += map.get(key);
       return { type: "tag", name: "t", value: String(sum) };`,
      `const kinds: any = { ${makers.join("\n")} };`,
    ),
    { fuel: 100_000_000_000 },
  );
  const fuelOf = async (kind: string) => {
    const { output, fuelUsed } = await plugin.call("pre_request", { kind });
    assert.equal(
      JSON.parse(Buffer.from(output).toString()).effects[0].value,
      String((many * (many - 1)) / 2),
    );
    return fuelUsed;
  };
  const ofTexts = await fuelOf("texts");
  for (const kind of Object.keys(kinds)) {
    await t.test(kind, async () => {
      const ratio = (await fuelOf(kind)) / ofTexts;
      assert.ok(ratio < 2, `${ratio.toFixed(1)} times the fuel of texts`);
    });
  }
});
