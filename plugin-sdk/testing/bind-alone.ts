import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../config/load.ts";
import { type LocatedProblem, printProblem } from "../../config/problem.ts";
import type { BindingConfig, GatewayConfig } from "../../config/schema.ts";
import type { BindOptions } from "../../host/bind-plugins.ts";
import { type AcceptedConfig, createGeneration, type Generation } from "../../host/generation.ts";
import type { PluginModule } from "./modules.ts";
import { PluginRefused } from "./plugin-refused.ts";

/** What a config says of the plugin and of what is around it. */
export type Binding = Partial<Pick<BindingConfig, "config" | "grants" | "state" | "limits">> & {
  /** Their keys, by name. */
  readonly consumers?: Readonly<Record<string, readonly string[]>>;
  /** By name; `grants.secrets` says which of them the plugin may name. At least 8 characters each. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** The operator's limits, which a binding's may only lower. */
  readonly most?: GatewayConfig["limits"]["plugins"];
};

/**
 * A generation of its own for the plugin, bound at the gateway level: what it runs in is all that it runs in when it
 * serves traffic.
 * @throws {PluginRefused}
 */
export async function bindAlone(
  { prepared, manifest }: PluginModule,
  { consumers = {}, secrets = {}, most = {}, ...binding }: Binding,
  surroundings: Pick<BindOptions, "log" | "backing">,
): Promise<Generation> {
  const accepted = await load({
    log: { level: "trace" },
    limits: { plugins: most },
    gateway: { use: [{ plugin: manifest.name, ...binding }] },
    services: { mock: { provider: "mock" } },
    routes: { all: { match: { paths: ["/*"] }, service: "mock" } },
    consumers: Object.fromEntries(Object.entries(consumers).map(([name, keys]) => [name, { keys }])),
    secrets,
  });
  const made = await createGeneration(accepted, new Map([[manifest.name, { prepared }]]), surroundings);
  if ("problems" in made) throw refused(made.problems);
  return made.generation;
}

async function load(config: object): Promise<AcceptedConfig> {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-plugin-"));
  try {
    const file = join(folder, "gateway.yaml");
    // JSON is YAML, where this begins a placeholder.
    await writeFile(
      file,
      JSON.stringify(config).replaceAll("${", () => "$${"),
    );
    const loaded = await loadConfig(file, { env: {} });
    if (!loaded.ok) throw refused(loaded.problems);
    return loaded;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `config.level: must be ...`: the file is made up, so where in it the problem stands says nothing. */
function refused(problems: readonly LocatedProblem[]): PluginRefused {
  const lines = problems.map((problem) =>
    printProblem({ ...problem, file: "", line: 0, column: 0 })
      .replace(/^:0:0:? ?/, "")
      .replace(/^gateway\.use\.0[.:] ?/, ""),
  );
  return new PluginRefused(lines.join("\n"));
}
