import { type DestinationStream, type Logger, pino } from "pino";
import type { GatewayConfig } from "#config/schema.ts";
import type { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { StepReport } from "../pipeline/run-stage.ts";
import { escapeControls } from "../sandbox/log-lines.ts";

export type Log = Logger;

/**
 * Whatever an object of these names holds is a credential. Nothing of the gateway logs one; this is the second line
 * for what errors of libraries carry along.
 */
const redact = ["authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie", "key", "keys"].flatMap(
  (name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`],
);

/** JSON lines, to stdout unless `destination` says otherwise. */
export function createLog(level: GatewayConfig["log"]["level"], destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: redact, censor: "[redacted]" },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

const levelOfBlame = { client: "info", plugin: "warn", upstream: "warn", gateway: "error" } as const;

/** One line for a request that failed: who has to change something, and the cause that the client does not see. */
export function logFailure(
  log: Log,
  { id, route, service, consumer }: Pick<Exchange, "id" | "route" | "service" | "consumer">,
  error: GatewayError,
): void {
  const { code, status, blame, upstreamStatus, plugin, cause } = error;
  const fields = { requestId: id, code, status, blame, route, service, consumer, upstreamStatus, plugin };
  log[levelOfBlame[blame]](
    { ...fields, ...(cause === undefined ? {} : { cause: causeText(error) }) },
    escapeControls(error.message),
  );
}

/** The messages of an error's causes, nearest first; of one without a place in the table the stack too. */
function causeText(error: GatewayError): string {
  const texts: string[] = [];
  for (let cause = error.cause; cause instanceof Error && texts.length < 5; cause = cause.cause) {
    const stack = error.blame === "gateway" ? cause.stack : undefined;
    texts.push(stack ?? escapeControls(cause.message));
  }
  return texts.join(": ");
}

/** A line for a step that failed, with the plugin's own words; one that failed its request is told by `logFailure`, with its blame. */
export function logStep(log: Log, { step, outcome, error, skipped, requestId }: StepReport): void {
  if (outcome === "ok") return;
  const { key, hook, binding } = step;
  log.warn(
    {
      requestId,
      plugin: binding.plugin,
      binding: key,
      hook,
      outcome,
      error: escapeControls(error ?? ""),
      skipped,
    },
    "a plugin failed",
  );
}
