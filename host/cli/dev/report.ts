import { styleText } from "node:util";
import { escapeControls } from "#host/sandbox/log-lines.ts";
import { type Difference, type DiffLine, difference } from "./diff.ts";
import {
  answerLines,
  contextLines,
  effectLines,
  redactedUrl,
  requestLines,
  shorten,
} from "./exchange-text.ts";
import type { LoggedLine, RecordedCall, RecordedRequest } from "./recorder.ts";

/** Of one difference. */
const mostLines = 80;

/** Colours where standard output is a terminal that wants them. */
export function paint(format: Parameters<typeof styleText>[0], text: string): string {
  return styleText(format, text, { stream: process.stdout });
}

/** A request with what each call of the plugin did to it. */
export function requestReport(request: RecordedRequest): string {
  const { calls } = request;
  const several = haveSeveralBindings(calls);
  const lines = calls.flatMap((call) => {
    const { fuelUsed, durationUs, memoryPages } = call;
    const cost = `fuel ${fuelUsed}  ${ms(durationUs)} ms  memory ${pages(memoryPages)}`;
    const changes = [
      ...section("request", requestLines(call.before), requestLines(call.after)),
      ...section("answer", answerLines(call.before), answerLines(call.after)),
      ...section("context", contextLines(call.before), contextLines(call.after)),
    ];
    const nothing = call.outcome === "ok" && changes.length === 0 ? ["no effects"] : [];
    return [
      `  ${callTitle(call, several)}  ${cost}`,
      ...[...failureLines(call), ...call.log.map(logText), ...changes, ...nothing].map(indent),
    ];
  });
  return [headline(request, ""), ...lines, ...(calls.length === 0 ? [notCalled] : [])].join("\n");
}

/** The same request again: what the calls do otherwise than those of the build before. */
export function replayReport(before: RecordedRequest, now: RecordedRequest): string {
  const old = new Map(before.calls.map((call) => [callKey(call), call]));
  const several = haveSeveralBindings([...before.calls, ...now.calls]);
  const lines = now.calls.flatMap((call) => {
    const was = old.get(callKey(call));
    old.delete(callKey(call));
    const cost = was === undefined ? "new" : costChange(was, call);
    return [
      `  ${callTitle(call, several)}  ${cost}`,
      ...[...failureLines(call), ...call.log.map(logText), ...callChange(was, call)].map(indent),
    ];
  });
  const gone = [...old.values()].map((call) => `  ${callTitle(call, several)}  is no longer called`);
  const none = now.calls.length + gone.length === 0 ? [notCalled] : [];
  const was = now.status === before.status ? "" : ` (was ${before.status})`;
  return [`again: ${headline(now, was)}`, ...lines, ...gone, ...none].join("\n");
}

const notCalled = "  the plugin was not called";

/** `info: message {"a":1}` */
export function logText({ level, msg, data, problem, file, reason }: LoggedLine): string {
  const cause = problem ?? (reason === undefined ? undefined : `${file}: ${reason}`);
  const more = [cause, data === undefined ? undefined : JSON.stringify(data)].filter(
    (one) => one !== undefined,
  );
  return paint("dim", shorten([`${level}: ${msg}`, ...more].join(" ")));
}

function headline({ sent, status, durationMs, error }: RecordedRequest, was: string): string {
  const answer = `${status}${was} in ${durationMs.toFixed(1)} ms`;
  const line = `${sent.method} ${shorten(redactedUrl(sent.url))} -> ${answer}`;
  if (error === null) return paint("bold", line);
  return `${paint("bold", line)}\n  ${paint("red", shorten(`${error.code}: ${error.message}`))}`;
}

function callTitle({ step, outcome }: RecordedCall, several: boolean): string {
  const name = several ? `${step.hook} of ${step.key}` : step.hook;
  return `${paint("cyan", name)}  ${paint(outcome === "ok" ? "green" : "red", outcome)}`;
}

function haveSeveralBindings(calls: readonly RecordedCall[]): boolean {
  return new Set(calls.map(({ step }) => step.key)).size > 1;
}

function callKey({ step }: RecordedCall): string {
  return `${step.key} ${step.hook}`;
}

function failureLines({ outcome, error, skipped }: RecordedCall): string[] {
  if (outcome === "ok") return [];
  const lines = (error ?? "").split("\n").map((line) => paint("red", shorten(line)));
  return skipped ? [...lines, "the request goes on without it (failure: open)"] : lines;
}

function costChange(was: RecordedCall, now: RecordedCall): string {
  const fuel = `fuel ${was.fuelUsed} -> ${now.fuelUsed}`;
  const time = `${ms(was.durationUs)} -> ${ms(now.durationUs)} ms`;
  return `${fuel}  ${time}  memory ${was.memoryPages} -> ${pages(now.memoryPages)}`;
}

function callChange(was: RecordedCall | undefined, now: RecordedCall): string[] {
  const changes = difference(was === undefined ? [] : endLines(was), endLines(now));
  if (changes.length > 0) return printed(changes);
  return [paint("dim", was === undefined ? "no effects" : "no change")];
}

/** How a call ended, to compare. */
function endLines({ outcome, error, effects }: RecordedCall): DiffLine[] {
  if (outcome === "ok") return effectLines(effects);
  return [`outcome ${outcome}`, ...(error ?? "").split("\n")].map((text) => ({
    text,
    shown: shorten(text),
  }));
}

function section(title: string, before: readonly DiffLine[], after: readonly DiffLine[]): string[] {
  const changes = difference(before, after);
  return changes.length === 0 ? [] : [title, ...printed(changes)];
}

const marks = { same: " ", removed: "-", added: "+", "left out": " " } as const;
const colours = { same: "dim", removed: "red", added: "green", "left out": "dim" } as const;

function printed(changes: readonly Difference[]): string[] {
  const lines = changes
    .slice(0, mostLines)
    .map(({ kind, shown }) => paint(colours[kind], `${marks[kind]} ${shown}`));
  const more = changes.length - lines.length;
  return more > 0 ? [...lines, `… ${more} more lines`] : lines;
}

function indent(line: string): string {
  return `    ${line}`;
}

function ms(durationUs: number): string {
  return (durationUs / 1000).toFixed(2);
}

function pages(count: number): string {
  return `${count} pages`;
}

/** Text of the gateway or a tool, line by line, without what could drive the terminal. */
export function plainLines(text: string): string {
  return text.split("\n").map(escapeControls).join("\n");
}
