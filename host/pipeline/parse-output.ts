import { Ajv2020 } from "ajv/dist/2020.js";
import type { Step } from "#host/resolve/step.ts";
import { type Effect, type HookOutput, outputSchema } from "#sdk/abi/effects.ts";
import type { StageHook } from "#sdk/abi/hooks.ts";
import { opensDeeperThan } from "../json.ts";
import { requestLimits } from "../limits.ts";
import { StepFailure } from "./step-failure.ts";

const isOutput = new Ajv2020({ discriminator: true, strictTypes: false }).compile<HookOutput>(outputSchema);
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The hook whose output it is. */
export type Asking = {
  readonly hook: StageHook | "schedule";
  readonly stage: Step["stage"] | "schedule";
  readonly writes: ReadonlySet<string>;
};

/**
 * The effects that a hook has put out, each one declared in its manifest's `writes` and possible in its stage.
 * No output means none.
 * @throws StepFailure `error` for anything else: an effect is never silently dropped.
 */
export function parseOutput(step: Asking, output: Uint8Array): readonly Effect[] {
  if (output.length === 0) return [];
  const value = parseJson(output);
  if (!isOutput(value)) {
    const { instancePath = "", message = "is not what the ABI says" } = isOutput.errors?.[0] ?? {};
    throw new StepFailure("error", `output${instancePath} ${message}`);
  }
  for (const [index, effect] of value.effects.entries()) {
    const reason = refusal(step, effect);
    if (reason !== null)
      throw new StepFailure("error", `output/effects/${index} (${effect.type}): ${reason}`);
  }
  const deciders = value.effects.filter(({ type }) => decides.has(type));
  if (deciders.length > 1 && deciders.some(({ type }) => type !== "respond")) {
    throw new StepFailure("error", "output/effects: of respond, retry and fallback a step can ask for one");
  }
  return value.effects;
}

const decides: ReadonlySet<Effect["type"]> = new Set(["respond", "retry", "fallback"]);

function parseJson(output: Uint8Array): unknown {
  // Before parsing: a megabyte of brackets keeps the parser busy for 250 ms.
  if (opensDeeperThan(requestLimits.jsonDepth, output)) {
    throw new StepFailure("error", `output is nested deeper than ${requestLimits.jsonDepth} levels`);
  }
  try {
    return JSON.parse(utf8.decode(output));
  } catch (thrown) {
    throw new StepFailure(
      "error",
      `output is not JSON: ${thrown instanceof Error ? thrown.message : thrown}`,
    );
  }
}

/** Why a step may not ask for this effect; null when it may. */
function refusal(step: Asking, effect: Effect): string | null {
  const field = fieldOf(effect);
  const whole = /^(?:request|response)\.headers(?=\.)/.exec(field)?.[0];
  if (!step.writes.has(field) && !(whole !== undefined && step.writes.has(whole))) {
    return `the manifest's writes of ${step.hook} do not list ${field}`;
  }
  if (step.stage === "schedule") return field === "health" ? null : "there is no request when schedule runs";
  if (field === "health") return "only schedule can say which target is healthy";
  if (step.hook === "post_request_event" && field !== "event" && field !== "tags") {
    return "of an event only the event itself and tags can be written";
  }
  if (step.stage !== "pre-request" && (field.startsWith("request.") || ofPreRequest.has(field))) {
    return `the request has been sent when ${step.hook} runs`;
  }
  if (step.hook !== "post_request_event" && field === "event") return "there is no event here";
  if (step.stage !== "error" && (field === "retry" || field === "fallback")) return "nothing has failed yet";
  if (step.stage === "error" && field === "response.body") return "an error's body is replaced by respond";
  if (step.stage === "pre-request" && field === "response.body")
    return "there is no response yet; use respond";
  return null;
}

const ofPreRequest: ReadonlySet<string> = new Set(["identify", "target", "service", "model"]);

/** The field that an effect writes, as a manifest's `writes` names it. */
function fieldOf(effect: Effect): string {
  switch (effect.type) {
    case "set-header":
    case "remove-header":
      return `${effect.on}.headers.${effect.name.toLowerCase()}`;
    case "set-query":
    case "remove-query":
      return "request.query";
    case "set-path":
      return "request.path";
    case "replace-body":
    case "patch-body":
      return `${effect.on}.body`;
    case "respond":
    case "identify":
    case "event":
    case "retry":
    case "fallback":
    case "target":
    case "service":
    case "model":
    case "health":
      return effect.type;
    case "tag":
      return "tags";
    default:
      return effect satisfies never;
  }
}
