import type { Answer } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import { debugLimits } from "./limits.ts";
import type { SkipReason, StepSkip } from "./pipeline/due-steps.ts";
import { effectName } from "./pipeline/effect-names.ts";
import type { StepCall } from "./pipeline/run-stage.ts";
import { isSameSecret } from "./same-secret.ts";

/** Of requests: the token. Of answers: what the steps did. */
const header = "x-sandgate-debug";

/** A step in the header: called, or skipped and why. */
type TracedStep = {
  readonly key: string;
  readonly hook: string;
  readonly outcome?: string;
  readonly durationUs?: number;
  readonly fuel?: number;
  /** Types and names, no values. */
  readonly effects?: readonly string[];
  /** Of its effects, how many are not listed. */
  readonly moreEffects?: number;
  /** True when its effects were not applied: it only observes. */
  readonly observed?: true;
  /** Why it was not called, or `failed` when the request went on without it. */
  readonly skipped?: SkipReason | "failed";
};

type Steps = { step(report: StepCall): void; skip(skip: StepSkip): void };

/** The steps of one request, for whoever debugs it. */
export type DebugTrace = Steps & {
  /** The answer with the header, where the request came with the token. */
  answer(parts: Omit<Answer, "finish">): Omit<Answer, "finish">;
};

/**
 * Takes the token from the request: neither plugins nor upstreams see it, also when it is a wrong one.
 * @param token null: there is nothing to debug with, and the header is like any other.
 * @param told of every step too
 */
export function traceSteps(exchange: Exchange, token: string | null, told: Steps): DebugTrace {
  const untraced: DebugTrace = { step: told.step, skip: told.skip, answer: (parts) => parts };
  const given = exchange.request.headers[header];
  if (token === null || given === undefined) return untraced;
  const { [header]: _token, ...rest } = exchange.request.headers;
  exchange.request = { ...exchange.request, headers: Object.assign(Object.create(null), rest) };
  if (!isSameSecret(given, token)) return untraced;

  const steps: TracedStep[] = [];
  return {
    step(report) {
      steps.push(calledStep(report));
      told.step(report);
    },
    skip(skip) {
      steps.push({ key: skip.step.key, hook: skip.step.hook, skipped: skip.reason });
      told.skip(skip);
    },
    answer: (parts) => ({ ...parts, headers: { ...parts.headers, [header]: traceText(steps) } }),
  };
}

function calledStep({ step, outcome, durationUs, fuelUsed, effects, skipped }: StepCall): TracedStep {
  const names = effects
    .slice(0, debugLimits.effects)
    .map((effect) => effectName(effect).slice(0, debugLimits.nameChars));
  const more = effects.length - names.length;
  return {
    key: step.key,
    hook: step.hook,
    outcome,
    durationUs: Math.round(durationUs),
    fuel: fuelUsed,
    effects: names,
    ...(more > 0 ? { moreEffects: more } : {}),
    ...(step.effect === "observe" ? { observed: true } : {}),
    ...(skipped ? { skipped: "failed" } : {}),
  };
}

/** JSON in ASCII. A step that does not fit is there without its effects; of more steps than fit then, the first. */
function traceText(steps: readonly TracedStep[]): string {
  const texts: string[] = [];
  let room = debugLimits.headerBytes - roomForEnds;
  for (const step of steps) {
    const text = [step, withoutEffects(step)].map(textOf).find(({ length }) => length < room);
    if (text === undefined) break;
    room -= text.length + 1;
    texts.push(text);
  }
  return `{"steps":[${texts.join(",")}],"leftOut":${steps.length - texts.length}}`;
}

function withoutEffects({ effects = [], moreEffects = 0, ...step }: TracedStep): TracedStep {
  return { ...step, effects: [], moreEffects: moreEffects + effects.length };
}

/** What stands around the steps. */
const roomForEnds = 64;

/** Other characters are no part of a header; in JSON they are always inside of a text. */
function textOf(step: TracedStep): string {
  const code = (unit: string) => unit.charCodeAt(0).toString(16).padStart(4, "0");
  return JSON.stringify(step).replace(/[^\x20-\x7e]/g, (unit) => `\\u${code(unit)}`);
}
