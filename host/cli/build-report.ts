import { gzipSync } from "node:zlib";
import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { capabilityFunctions } from "#sdk/abi/host-functions.ts";
import type { CompiledPlugin } from "#sdk/compile/compile-plugin.ts";
import type { Target } from "#sdk/compile/targets.ts";
import { weightText } from "#sdk/compile/weights.ts";
import { pluginModule } from "#sdk/testing/modules.ts";
import { PluginRefused } from "#sdk/testing/plugin-refused.ts";
import { callName } from "./fixture-report.ts";
import { fixturesOf, runFixtureFile } from "./fixture-run.ts";

type Line = readonly [name: string, text: string];

/** What is in a module, a line for each thing: size, hooks, imports, code, and the fuel of its fixtures. */
export async function buildReport(built: CompiledPlugin, { output }: Target): Promise<string> {
  const { wasm, manifest, exports, weights } = built;
  const lines: Line[] = [
    ["size", `${wasm.length} bytes; ${gzipSync(wasm).length} with gzip`],
    manifest === null
      ? ["exports", exports.join(", ")]
      : ["hooks", Object.keys(manifest.hooks).join(", ") || "none"],
    ...importLines(wasm),
    ...weights.map((weight): Line => ["code", weightText(weight)]),
    ...(manifest === null ? [] : await fixtureLines(output)),
  ];
  return lines.map(([name, text]) => `  ${name.padEnd(9)} ${text}`).join("\n");
}

/** What a module may do beyond its own memory: each capability with the functions that the module imports of it. */
function importLines(wasm: Uint8Array): Line[] {
  const names = decodeModule(wasm).imports.map(({ module, name }) => `${module}.${name}`);
  const groups = Map.groupBy(names, capabilityOf);
  const sorted = [...groups].sort(([one], [other]) => (one < other ? -1 : 1));
  return sorted.map(([capability, members]) => {
    const shown = members
      .map((name) => name.slice(name.lastIndexOf(".") + 1))
      .sort()
      .join(", ");
    return capability === ""
      ? ["imports", `${members.length} functions that every plugin may import`]
      : ["imports", `${capability}: ${shown}`];
  });
}

const capabilities = new Map<string, string>(
  Object.entries(capabilityFunctions).flatMap(([capability, functions]) =>
    Object.keys(functions).map((name) => [`extism:host/user.${name}`, capability] as const),
  ),
);

/** Empty for what needs none. */
function capabilityOf(name: string): string {
  if (name.startsWith("extism:host/env.http_")) return "http";
  return capabilities.get(name) ?? "";
}

async function fixtureLines(output: string): Promise<Line[]> {
  const { files } = await fixturesOf(output);
  if (files.length === 0) return [];
  const lines: Line[] = [];
  try {
    const module = await pluginModule(output);
    for (const file of files) {
      const { name, calls, problems } = await runFixtureFile(module, file, { update: false });
      const costs = calls.map(({ fuel, isOk }, index): Line => {
        const text = `${callName(name, calls.length > 1 ? index : null)}: ${fuel} fuel`;
        return ["fixture", isOk ? text : `${text}, not as expected`];
      });
      lines.push(...costs, ...problems.map((problem): Line => ["fixture", `${name}: ${problem}`]));
    }
  } catch (thrown) {
    if (!(thrown instanceof PluginRefused)) throw thrown;
    lines.push(["refused", thrown.message]);
  }
  return lines;
}
