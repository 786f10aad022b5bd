import assert from "node:assert/strict";
import { test } from "node:test";
import { difference } from "#host/cli/dev/diff.ts";

const marks = { same: " ", removed: "-", added: "+", "left out": "~" };

/** Each letter is a line. */
function diff(before: string, after: string): string {
  const lines = (text: string) => Array.from(text, (letter) => ({ text: letter, shown: letter }));
  return difference(lines(before), lines(after))
    .map(({ kind, shown }) => marks[kind] + shown)
    .join("");
}

for (const [before, after, expected] of [
  ["", "", ""],
  ["abc", "abc", ""],
  ["", "ab", "+a+b"],
  ["ab", "", "-a-b"],
  ["abc", "axc", " a-b+x c"],
  ["abc", "bcd", "-a b c+d"],
  ["aab", "ab", " a-a b"],
  ["abcdefgh", "abcdefgX", "~… f g-h+X"],
  ["Xbcdefgh", "bcdefghY", "-X b c~… g h+Y"],
] as const) {
  test(`from ${JSON.stringify(before)} to ${JSON.stringify(after)}`, () => {
    assert.equal(diff(before, after), expected);
  });
}

test("what is compared decides, what is shown is printed", () => {
  const line = (text: string) => ({ text, shown: "[redacted]" });
  assert.deepEqual(difference([line("a")], [line("b")]), [
    { kind: "removed", shown: "[redacted]" },
    { kind: "added", shown: "[redacted]" },
  ]);
});

test("texts with too many different lines are not compared line by line", () => {
  const lines = (count: number, name: string) =>
    Array.from({ length: count }, (_, index) => ({ text: `${name}${index}`, shown: name }));
  const found = difference(lines(50_000, "a"), lines(50_000, "b"));
  assert.equal(found.length, 100_000);
});
