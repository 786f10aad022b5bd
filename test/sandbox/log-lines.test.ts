import assert from "node:assert/strict";
import { test } from "node:test";
import { callLimits } from "#host/limits.ts";
import { createLogLines, escapeControls } from "#host/sandbox/log-lines.ts";

function open() {
  const texts: string[] = [];
  return { texts, lines: createLogLines((_level, text) => texts.push(text), null) };
}

test("control characters and direction marks are escaped, other text stays", () => {
  assert.equal(
    escapeControls("a\n\t\u001b[2J\u0000\u0085\u2028\u202eb é😀"),
    "a\\n\\t\\u001b[2J\\u0000\\u0085\\u2028\\u202eb é😀",
  );
});

test("a text of as many bytes as a call may log is kept whole, and then nothing more", () => {
  const { texts, lines } = open();
  lines.write("info", "x".repeat(callLimits.logBytes));
  assert.equal(lines.hasRoom(), false);
  lines.write("info", "more");
  lines.close();
  assert.deepEqual(texts, ["x".repeat(callLimits.logBytes), "1 more log lines dropped: limit of one call"]);
});

test("what escaping makes of a text counts: control characters do not make six times the log", () => {
  const { texts, lines } = open();
  lines.write("info", "\u0001".repeat(callLimits.logBytes));
  assert.equal(texts[0], "\\u0001".repeat(callLimits.logBytes).slice(0, callLimits.logBytes));
  assert.equal(lines.hasRoom(), false);
});

test("a character that two pieces share stays one", () => {
  const { texts, lines } = open();
  lines.write("info", `x${"😀".repeat(2_000)}`);
  assert.equal(texts[0], `x${"😀".repeat(2_000)}`);
});
