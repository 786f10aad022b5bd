import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { loadConfig } from "#config/load.ts";
import type { BindingConfig, GatewayConfig } from "#config/schema.ts";
import { memoryBacking } from "#host/capabilities/all.ts";
import type { Exchange } from "#host/exchange.ts";
import { createGeneration, type Generation } from "#host/generation.ts";
import { moduleLimits } from "#host/limits.ts";
import { createLog } from "#host/observe/log.ts";
import type { StepSkip } from "#host/pipeline/due-steps.ts";
import { runStage, type StepReport } from "#host/pipeline/run-stage.ts";
import { standardImports } from "#host/sandbox/link.ts";
import { prepare } from "#host/sandbox/prepare.ts";
import type { HookDeclaration } from "#sdk/abi/manifest.ts";
import { temporaryFolder } from "#test/config/config-file.ts";
import { exchangeOf } from "#test/pipeline/exchange.ts";
import { type HookBody, watPlugin } from "#test/wat-plugin.ts";

/** A plugin with a `pre_request` hook, and its binding. */
export type Use = HookDeclaration & {
  readonly name: string;
  readonly does: HookBody;
  readonly binding?: Partial<BindingConfig>;
};

export type Stage = {
  readonly generation: Generation;
  readonly exchange: Exchange;
  readonly reports: readonly StepReport[];
  /** Steps that were not called. */
  readonly skips: readonly StepSkip[];
  /** `PLUGIN: TEXT` of each line that a plugin has logged. */
  readonly log: readonly string[];
  /** Runs the pre-request steps on the exchange. */
  run(signal?: AbortSignal): Promise<boolean>;
};

/** For bodies of hooks: `$input` copies the input into a block, `(call $log_info (call $input))` logs it. */
export const inputWat = `(func $input (result i64) (local $b i64) (local $i i64)
  (local.set $b (call $alloc (call $input_length)))
  (block $done (loop $next
    (br_if $done (i64.ge_u (local.get $i) (call $input_length)))
    (call $store_u8 (i64.add (local.get $b) (local.get $i)) (call $input_load_u8 (local.get $i)))
    (local.set $i (i64.add (local.get $i) (i64.const 1)))
    (br $next)))
  (local.get $b))`;

/**
 * Uses bound at the gateway level in this order, in a generation of their own, and one request.
 * @param plugins the operator's limits of a call.
 */
export async function openStage(
  t: TestContext,
  uses: readonly Use[],
  plugins: GatewayConfig["limits"]["plugins"] = {},
): Promise<Stage> {
  const file = join(await temporaryFolder(t), "gateway.yaml");
  const use = uses.map(({ name, binding }, order) => ({ plugin: name, order, ...binding }));
  const services = { mock: { provider: "mock" } };
  const routes = { all: { match: { paths: ["/*"] }, service: "mock" } };
  await writeFile(file, JSON.stringify({ limits: { plugins }, gateway: { use }, services, routes }));
  const accepted = await loadConfig(file, { env: {} });
  if (!accepted.ok) throw new Error(JSON.stringify(accepted.problems));

  const modules = new Map<string, { prepared: Awaited<ReturnType<typeof prepare>> }>();
  for (const { name, does, binding: _binding, ...declaration } of uses) {
    const bytes = watPlugin({ name, hooks: { pre_request: declaration } }, { pre_request: does }, inputWat);
    const policy = { memoryPages: moduleLimits.memoryPages, imports: new Set(standardImports) };
    modules.set(name, { prepared: await prepare(bytes, policy) });
  }
  const log: string[] = [];
  const write = (line: string) => {
    const { plugin, msg } = JSON.parse(line);
    log.push(`${plugin}: ${msg}`);
  };
  const made = await createGeneration(accepted, modules, {
    log: createLog("info", { write }),
    backing: memoryBacking(),
  });
  if ("problems" in made) throw new Error(JSON.stringify(made.problems));
  const { generation } = made;
  t.after(() => generation.retire());

  const exchange = exchangeOf({});
  const reports: StepReport[] = [];
  const skips: StepSkip[] = [];
  const { resolver, bindings } = generation;
  return {
    generation,
    exchange,
    reports,
    skips,
    log,
    run: (signal) =>
      runStage(resolver.plan("all", null).preRequest, {
        exchange,
        bindings,
        report: (report) => reports.push(report),
        skip: (skip) => skips.push(skip),
        ...(signal === undefined ? {} : { signal }),
      }),
  };
}
