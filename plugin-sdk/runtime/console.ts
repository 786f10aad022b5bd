import { describeError, text } from "./describe-error.ts";
import { log } from "./native.ts";

const at =
  (level: number) =>
  (...values: unknown[]) => {
    log(
      level,
      values.map((value) => (value instanceof Error ? describeError(value) : text(value))).join(" "),
    );
  };

/** `console` as lines of the plugin's log. */
export const consoleGlobal = {
  trace: at(0),
  debug: at(1),
  log: at(2),
  info: at(2),
  warn: at(3),
  error: at(4),
};
