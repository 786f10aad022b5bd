import { callLimits } from "#host/limits.ts";

export const logLevels = ["trace", "debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Receives a plugin's log lines. The text has no control characters. */
export type LogSink = (level: LogLevel, text: string, requestId: string | null) => void;

/** The log of one call, within `callLimits.logLines` and `logBytes`. */
export type LogLines = {
  /** False when nothing more will be kept: then the text need not be made. */
  hasRoom(): boolean;
  /** What is longer than the rest of the room is cut; what has no room is counted. */
  write(level: LogLevel, text: string): void;
  /** Says how much was dropped, if anything. */
  close(): void;
};

export function createLogLines(sink: LogSink, requestId: string | null): LogLines {
  let lines: number = callLimits.logLines;
  let bytes: number = callLimits.logBytes;
  let dropped = 0;
  return {
    hasRoom: () => lines > 0 && bytes > 0,
    write(level, text) {
      if (lines === 0 || bytes === 0) {
        dropped++;
        return;
      }
      const kept = escapeUpTo(bytes, text);
      lines--;
      bytes -= Math.min(bytes, Buffer.byteLength(kept));
      sink(level, kept, requestId);
    },
    close() {
      if (dropped > 0) sink("warn", `${dropped} more log lines dropped: limit of one call`, requestId);
    },
  };
}

/** Characters that are escaped before the room that is left is looked at again. */
const pieceChars = 1_024;

/** The escaped text, cut where it has `room` characters: escaping 64 KiB of control characters takes 16 ms. */
function escapeUpTo(room: number, text: string): string {
  let escaped = "";
  for (let at = 0; at < text.length && escaped.length < room; at += pieceChars) {
    escaped += escapeControls(text.slice(at, at + pieceChars));
  }
  return escaped.length > room ? escaped.slice(0, room) : escaped;
}

// Control characters forge lines and drive terminals; direction marks make a line read as another one.
const controls = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** The text with control and direction characters as `\n` or `\u001b`, so that JSON stays JSON. */
export function escapeControls(text: string): string {
  return text.replace(controls, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
