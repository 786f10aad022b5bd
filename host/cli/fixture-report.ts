import { escapeControls } from "#host/sandbox/log-lines.ts";
import type { Json } from "#sdk/abi/from-schema.ts";
import type { Actual } from "#sdk/testing/run-fixture.ts";
import { type DiffLine, difference } from "./dev/diff.ts";
import { logText, paint, plainLines } from "./dev/report.ts";
import type { FixtureRun, RunCall } from "./fixture-run.ts";

/** A line for each call with its cost; of one that failed also what is wrong. */
export function fixtureText({ name, calls, problems }: FixtureRun, width: number): string {
  const lines = calls.flatMap((call, index) => [
    `  ${verdict(call)}  ${callName(name, calls.length > 1 ? index : null).padEnd(width)}  ${cost(call)}`,
    ...(call.isOk ? [] : failure(call)).map(indent),
  ]);
  const whole = problems.length > 0 && calls.length === 0 ? [`  ${paint("red", "FAIL")}  ${name}`] : [];
  return [...lines, ...whole, ...problems.map((text) => indent(paint("red", plainLines(text))))].join("\n");
}

/** `session`, or of the second of several calls `session (2)`. */
export function callName(fixture: string, index: number | null): string {
  return index === null ? fixture : `${fixture} (${index + 1})`;
}

function verdict({ isOk, isUpdated }: RunCall): string {
  if (!isOk) return paint("red", "FAIL");
  return isUpdated ? paint("yellow", "new ") : paint("green", "ok  ");
}

function cost({ fuel, durationUs, memoryPages }: RunCall): string {
  return `fuel ${String(fuel).padStart(9)}  ${String(durationUs).padStart(6)} us  ${memoryPages} pages`;
}

function failure({ call, actual, isExpected, problems, log }: RunCall): string[] {
  const told = problems.map((text) => paint("red", plainLines(text)));
  const noExpectation = call.expect === undefined ? [paint("red", withoutExpectation(actual))] : [];
  const changes = isExpected ? [] : difference(expectedLines(call.expect, actual), actualLines(actual));
  const heading = changes.length > 0 && call.expect !== undefined ? ["- expected  + actual"] : [];
  return [...told, ...noExpectation, ...heading, ...changes.map(changeText), ...log.map(logText)];
}

function withoutExpectation({ outcome }: Actual): string {
  return outcome === "ok"
    ? "there is no expect; --update writes these effects into the file"
    : "there is no expect, and the call fails";
}

const marks = { same: " ", removed: "-", added: "+", "left out": " " } as const;
const colours = { same: "dim", removed: "red", added: "green", "left out": "dim" } as const;

function changeText({ kind, shown }: ReturnType<typeof difference>[number]): string {
  return paint(colours[kind], `${marks[kind]} ${shown}`);
}

/** In the order of members that the actual effects have, so that only what differs is shown. */
function expectedLines(expect: RunCall["call"]["expect"], actual: Actual): DiffLine[] {
  if (expect === undefined) return [];
  if (expect.effects !== undefined) {
    const like = actual.outcome === "ok" ? (actual.effects as Json) : undefined;
    return effectLines(inOrderOf(expect.effects, like));
  }
  const { outcome = "", error } = expect;
  return linesOf(failureText(outcome, error ?? ""));
}

function actualLines(actual: Actual): DiffLine[] {
  return actual.outcome === "ok"
    ? effectLines(actual.effects as Json)
    : linesOf(failureText(actual.outcome, actual.error));
}

function failureText(outcome: string, error: string): string {
  return error === "" ? `outcome ${outcome}` : `outcome ${outcome}\n${error}`;
}

function effectLines(effects: Json): DiffLine[] {
  return linesOf(JSON.stringify(effects, null, 2));
}

function linesOf(text: string): DiffLine[] {
  return text.split("\n").map((line) => ({ text: line, shown: escapeControls(line) }));
}

/** The same value, with the members of its objects in the order of those of another. */
function inOrderOf(value: Json, like: Json | undefined): Json {
  if (typeof value !== "object" || value === null || typeof like !== "object" || like === null) return value;
  if (Array.isArray(value) || Array.isArray(like)) {
    if (!Array.isArray(value) || !Array.isArray(like)) return value;
    return value.map((item, index) => inOrderOf(item, like[index]));
  }
  const [members, others] = [new Map(Object.entries(value)), new Map(Object.entries(like))];
  const names = [...new Set([...others.keys(), ...members.keys()])].filter((name) => members.has(name));
  return Object.fromEntries(
    names.map((name) => [name, inOrderOf(members.get(name) ?? null, others.get(name))]),
  );
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `        ${line}`)
    .join("\n");
}
