import { type CheckedPluginConfig, checkPluginConfig } from "#config/plugin-config.ts";
import type { BindingConfig } from "#config/schema.ts";
import { type ConfigSource, interpolatedAt } from "#config/source.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";
import type { Binding } from "./binding.ts";
import { originOf } from "./origin.ts";

/** Of a plugin that has no schema for a config. */
const withoutConfig = { type: "object", additionalProperties: false } as const;

/** A binding's config, with the defaults of the plugin's schema; or problems, each at the place that says what is wrong. */
export function checkConfig(binding: Binding, manifest: Manifest, source: ConfigSource): CheckedPluginConfig {
  const written = binding.config as NonNullable<BindingConfig["config"]>;
  const checked = checkPluginConfig(manifest.configSchema ?? withoutConfig, written, {
    isPlaceholder: (inner) => interpolatedAt(source, originOf(binding, ["config", ...inner]))?.whole ?? false,
  });
  if (checked.ok) return checked;
  const problems = checked.problems.map((problem) => ({
    ...problem,
    path: originOf(binding, ["config", ...problem.path]),
  }));
  return { ok: false, problems };
}
