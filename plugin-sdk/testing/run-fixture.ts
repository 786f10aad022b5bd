import { isDeepStrictEqual } from "node:util";
import { parseOutput } from "../../host/pipeline/parse-output.ts";
import { StepFailure } from "../../host/pipeline/step-failure.ts";
import type { ScheduledStep } from "../../host/resolve/scheduled.ts";
import type { Step } from "../../host/resolve/step.ts";
import type { Outcome } from "../../host/sandbox/outcome.ts";
import type { Effect } from "../abi/effects.ts";
import type { Fixture, FixtureCall } from "./fixture-file.ts";
import { fixtureHttp } from "./fixture-http.ts";
import { applyToInput, inputProblem } from "./fixture-input.ts";
import type { PluginModule } from "./modules.ts";
import { type LogLine, type OpenOptions, openModule, type RawCall } from "./open-module.ts";
import { PluginRefused } from "./plugin-refused.ts";

/** What a call has come to. */
export type Actual =
  | { readonly outcome: "ok"; readonly effects: readonly Effect[] }
  | { readonly outcome: Exclude<Outcome, "ok">; readonly error: string };

export type CallReport = {
  readonly call: FixtureCall;
  readonly actual: Actual;
  readonly fuel: number;
  readonly durationUs: number;
  readonly memoryPages: number;
  readonly log: readonly LogLine[];
  /** False when `actual` is not what the fixture expects, or it expects nothing. */
  readonly isExpected: boolean;
  /** What else is wrong. */
  readonly problems: readonly string[];
};

export type FixtureReport = {
  readonly fixture: Fixture;
  readonly calls: readonly CallReport[];
  /** Why there are no calls, or what is wrong with all of them together. */
  readonly problems: readonly string[];
};

/** Runs the calls of a fixture in order, in a binding of its own. */
export async function runFixture(module: PluginModule, fixture: Fixture): Promise<FixtureReport> {
  const wrong = callProblems(fixture, module);
  if (wrong.length > 0) return { fixture, calls: [], problems: wrong };
  const http = fixtureHttp(fixture.http ?? []);
  const clock = { ms: Date.now() };
  try {
    await using plugin = await openModule(module, {
      ...bindingOf(fixture),
      http: http.answer,
      now: () => clock.ms,
    });
    const calls: CallReport[] = [];
    for (const call of fixture.calls) {
      clock.ms = call.now === undefined ? Date.now() : Date.parse(call.now);
      const step = plugin.steps.find(({ hook }) => hook === call.hook);
      if (step === undefined) throw new Error(`no step for ${call.hook}`);
      const impossible = inputProblem(step, call.input);
      const raw = await plugin.callRaw(call.hook, call.input);
      calls.push(reportOf(call, { step, raw, problems: [...one(impossible), ...http.takeProblems()] }));
    }
    return { fixture, calls, problems: one(http.unused()) };
  } catch (thrown) {
    if (!(thrown instanceof PluginRefused)) throw thrown;
    return { fixture, calls: [], problems: thrown.message.split("\n") };
  }
}

function callProblems({ calls }: Fixture, { manifest }: PluginModule): string[] {
  const hooks = Object.keys(manifest.hooks);
  return calls.flatMap(({ hook }) =>
    hooks.includes(hook) ? [] : [`${manifest.name} has no hook ${hook}; it has ${hooks.join(", ")}`],
  );
}

function bindingOf({ config, grants, secrets, consumers }: Fixture): OpenOptions {
  // What may be in config and grants is for the gateway's own check to say.
  const written = { config, grants, secrets, consumers };
  const given = Object.entries(written).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as OpenOptions;
}

function one<T>(value: T | null): T[] {
  return value === null ? [] : [value];
}

type Ended = {
  readonly step: Step | ScheduledStep;
  readonly raw: RawCall;
  readonly problems: readonly string[];
};

function reportOf(call: FixtureCall, { step, raw, problems }: Ended): CallReport {
  const actual = actualOf(call, step, raw);
  const { fuel, durationUs, memoryPages, log } = raw;
  const { maxFuel, expect } = call;
  return {
    call,
    actual,
    fuel,
    durationUs,
    memoryPages,
    log,
    isExpected: meets(actual, expect),
    problems: [
      ...problems,
      ...(maxFuel !== undefined && fuel > maxFuel ? [`it took ${fuel} fuel; maxFuel is ${maxFuel}`] : []),
    ],
  };
}

/** As in the gateway: effects that it would refuse are an error of the plugin. */
function actualOf(
  { input }: FixtureCall,
  step: Step | ScheduledStep,
  { outcome, output, error }: RawCall,
): Actual {
  if (outcome !== "ok") return { outcome, error: error ?? outcome };
  try {
    const effects = parseOutput(step, output);
    applyToInput(effects, step, input);
    return { outcome, effects };
  } catch (thrown) {
    if (!(thrown instanceof StepFailure)) throw thrown;
    return { outcome: thrown.outcome, error: thrown.message };
  }
}

function meets(actual: Actual, expect: FixtureCall["expect"]): boolean {
  if (expect === undefined) return false;
  if (actual.outcome === "ok") return isDeepStrictEqual(actual.effects, expect.effects);
  return actual.outcome === expect.outcome && actual.error.includes(expect.error ?? "");
}
