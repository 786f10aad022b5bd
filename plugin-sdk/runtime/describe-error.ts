import { positionsText } from "./native.ts";
import { originalStack, readPositions } from "./origin.ts";

const deepestCause = 4;

/** Read while the plugin is compiled: to parse the text for an error can take more fuel than a call has. */
const positions = /* @__PURE__ */ readPositions(positionsText);

/** A config that `configure` does not accept: the message is for the operator, a stack would only be in the way. */
export class ConfigRefused {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** The text of whatever was thrown: name, message, stack in the author's files, and the causes of it. */
export function describeError(reason: unknown, depth = 0): string {
  if (reason instanceof ConfigRefused) return reason.message;
  // The engine throws null when there is no memory left for an error.
  if (reason === null) return "null was thrown, or memory ran out";
  if (!(reason instanceof Error)) return `thrown: ${text(reason)}`;
  const lines = [`${reason.name}: ${reason.message}`];
  const stack = originalStack(String(reason.stack ?? ""), positions);
  if (stack !== "") lines.push(stack);
  if (reason.cause !== undefined && depth < deepestCause) {
    lines.push(`caused by ${describeError(reason.cause, depth + 1)}`);
  }
  return lines.join("\n").toWellFormed();
}

/** A value on one line. */
export function text(value: unknown): string {
  if (typeof value === "string") return value.toWellFormed();
  try {
    return (typeof value === "object" ? JSON.stringify(value) : undefined) ?? String(value);
  } catch {
    return String(value);
  }
}
