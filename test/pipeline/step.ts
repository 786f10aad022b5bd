import { type BindingConfig, configSchema } from "#config/schema.ts";
import { everyBinding, readLayers } from "#host/resolve/binding.ts";
import { type Step, stepsOf } from "#host/resolve/step.ts";
import type { StageHook } from "#sdk/abi/hooks.ts";
import type { HookDeclaration } from "#sdk/abi/manifest.ts";

/** The step of a plugin that has this one hook, bound at the gateway level. */
export function stepOf(
  hook: StageHook,
  declaration: HookDeclaration,
  binding: Partial<BindingConfig> = {},
): Step {
  const manifest = { name: "probe", version: "1.0.0", abi: 1, hooks: { [hook]: declaration } } as const;
  const config = configSchema.parse({ gateway: { use: [{ plugin: "probe", ...binding }] } });
  const [step] = Array.from(everyBinding(readLayers(config))).flatMap((bound) => stepsOf(bound, manifest));
  if (step === undefined) throw new Error(`${hook} is no hook of a stage`);
  return step;
}
