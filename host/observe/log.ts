import { type DestinationStream, type Logger, pino } from "pino";
import type { GatewayConfig } from "#config/schema.ts";
import type { GatewayError } from "../errors.ts";
import type { AttemptReport, Exchange } from "../exchange.ts";
import { effectName } from "../pipeline/effect-names.ts";
import type { CallReport, SkipReport, StepCall } from "../pipeline/run-stage.ts";
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

/** A line for an attempt at an upstream that failed, unless the request has failed with it: `logFailure` tells of that. */
export function logAttempt(log: Log, { error, again, ...attempt }: AttemptReport): void {
  if (error === null || (!again && attempt.status === null)) return;
  const line = { ...attempt, code: error.code, cause: causeText(error) };
  log[levelOfBlame[error.blame]](
    line,
    again ? "an attempt at an upstream failed; another follows" : "an attempt at an upstream failed",
  );
}

/**
 * A line for a step that failed, with the plugin's own words; one that failed its request is told by `logFailure`, with its
 * blame. One of level debug for what a step that only observes asked for: types and names, no values.
 */
export function logStep(log: Log, report: CallReport & Pick<StepCall, "effects">): void {
  const { step, outcome, error, skipped, requestId, observed, effects } = report;
  const about = { requestId, plugin: step.binding.plugin, binding: step.key, hook: step.hook };
  if (outcome !== "ok") {
    log.warn({ ...about, outcome, error: escapeControls(error ?? ""), skipped }, "a plugin failed");
    return;
  }
  if (Object.keys(observed).length === 0 || !log.isLevelEnabled("debug")) return;
  const names = effects.slice(0, loggedEffects).map((effect) => escapeControls(effectName(effect)));
  log.debug({ ...about, observed, effects: names }, "a plugin that only observes asked for this");
}

/** Of the effects of one call. */
const loggedEffects = 20;

/** A line of level debug for a step that was left out though it was due: under load there are many. */
export function logSkip(log: Log, { step, reason, requestId }: SkipReport): void {
  if (reason === "when") return;
  const { key, hook, binding } = step;
  log.debug({ requestId, plugin: binding.plugin, binding: key, hook, reason }, "a plugin was not called");
}
