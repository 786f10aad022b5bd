import { Ajv2020 } from "ajv/dist/2020.js";
import type { Step } from "#host/resolve/step.ts";
import { type Effect, type HookOutput, outputSchema } from "#sdk/abi/effects.ts";
import { opensDeeperThan } from "../json.ts";
import { requestLimits } from "../limits.ts";
import { StepFailure } from "./step-failure.ts";

const isOutput = new Ajv2020({ discriminator: true, strictTypes: false }).compile<HookOutput>(outputSchema);
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * The effects that a hook has put out, each one declared in its manifest's `writes` and possible in its stage.
 * No output means none.
 * @throws StepFailure `error` for anything else: an effect is never silently dropped.
 */
export function parseOutput(step: Step, output: Uint8Array): readonly Effect[] {
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
  return value.effects;
}

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
function refusal(step: Step, effect: Effect): string | null {
  const field = fieldOf(effect);
  const whole = /^(?:request|response)\.headers(?=\.)/.exec(field)?.[0];
  if (!step.writes.has(field) && !(whole !== undefined && step.writes.has(whole))) {
    return `the manifest's writes of ${step.hook} do not list ${field}`;
  }
  if (step.stage !== "pre-request" && (field.startsWith("request.") || field === "identify")) {
    return `the request has been sent when ${step.hook} runs`;
  }
  if (step.stage === "error" && field === "response.body") return "an error's body is replaced by respond";
  if (step.stage === "pre-request" && field === "response.body")
    return "there is no response yet; use respond";
  return null;
}

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
      return effect.type;
    case "tag":
      return "tags";
    default:
      return effect satisfies never;
  }
}
