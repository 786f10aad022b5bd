import { builtinModules } from "node:module";
import type { Metafile, OnResolveArgs, Plugin, PluginBuild } from "esbuild";

const names = [...new Set(builtinModules.map((name) => name.split("/")[0] ?? name))].filter(
  (name) => !name.startsWith("_"),
);
const filter = new RegExp(`^(node:.+|(${names.join("|")})(/.*)?)$`);

/** Marks the question whether a package of that name is installed, so that it is not asked again. */
const asked = Symbol("asked");

/**
 * Refuses Node's modules, because a plugin runs in a sandbox without a system, or leaves them out. A package with
 * the name of one (`buffer`, `events`) is taken when it is installed.
 */
export function nodeBuiltins(what: "refuse" | "leave out"): Plugin {
  return {
    name: "node-builtins",
    setup(builder) {
      builder.onResolve({ filter }, async (args) => {
        if (args.pluginData === asked) return undefined;
        if (!args.path.startsWith("node:") && (await isInstalled(builder, args))) return undefined;
        if (what === "leave out") return { path: args.path, external: true };
        const text = `${JSON.stringify(args.path)} is a module of Node; a plugin runs without Node`;
        return { errors: [{ text, detail: refusedBuiltin }] };
      });
    },
  };
}

/** The `detail` of an error of `nodeBuiltins`. */
export const refusedBuiltin = "refused-builtin";

async function isInstalled(builder: PluginBuild, args: OnResolveArgs): Promise<boolean> {
  const { path, importer, kind, resolveDir, namespace } = args;
  const found = await builder.resolve(path, { importer, kind, resolveDir, namespace, pluginData: asked });
  return found.errors.length === 0 && !found.external;
}

/** Who imports `file`, and who imports that, up to `entry`: the shortest chain, without `file` and `entry`. */
export function importChain({ inputs }: Metafile, file: string, entry: string): string[] {
  const from = new Map<string, string>();
  const queue = [entry];
  for (let importer = queue.shift(); importer !== undefined; importer = queue.shift()) {
    for (const { path } of inputs[importer]?.imports ?? []) {
      if (from.has(path)) continue;
      from.set(path, importer);
      queue.push(path);
    }
  }
  const chain: string[] = [];
  for (let at = from.get(file); at !== undefined && at !== entry; at = from.get(at)) chain.push(at);
  return chain;
}
