import { isUtf8 } from "node:buffer";
import { escapeControls } from "#host/sandbox/log-lines.ts";
import type { CallResult, Outcome } from "#host/sandbox/outcome.ts";

/** A call's result as `plugin run --json` prints it. */
export type PrintedResult = {
  readonly outcome: Outcome;
  /** The output as text; null when it is not UTF-8. */
  readonly output: string | null;
  /** Output that is not UTF-8. */
  readonly outputBase64?: string;
  readonly error: string | null;
  readonly fuelUsed: number;
  readonly durationUs: number;
  readonly memoryPages: number;
  /** With `--repeat`: how many calls were made and how long they took. */
  readonly repeat?: {
    readonly calls: number;
    readonly minUs: number;
    readonly medianUs: number;
    readonly maxUs: number;
  };
};

export function printable(result: CallResult): PrintedResult {
  const { output, ...rest } = result;
  const bytes = Buffer.from(output.buffer, output.byteOffset, output.length);
  if (isUtf8(bytes)) return { ...rest, output: bytes.toString("utf8") };
  return { ...rest, output: null, outputBase64: bytes.toString("base64") };
}

/** One line per member. Control characters are escaped: the text is the plugin's, the terminal is not. */
export function printText(result: PrintedResult): string {
  const { repeat, ...members } = result;
  const lines = Object.entries({ ...members, ...repeat }).filter(
    ([, value]) => value !== null && value !== "",
  );
  return lines.map(([name, value]) => `${name.padEnd(14)}${escapeControls(String(value))}\n`).join("");
}
