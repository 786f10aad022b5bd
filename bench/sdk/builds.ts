import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { promisify } from "node:util";
import { compilePlugin } from "#sdk/compile/compile-plugin.ts";
import { loadEngine } from "#sdk/engine/engine.ts";
import type { FigureDefinition } from "../figure.ts";
import { median, quantile } from "../interleaved.ts";
import { readmePlugin, withSources } from "./sources.ts";

const command = join(import.meta.dirname, "../../host/cli/sandgate.js");
const run = promisify(execFile);
const rounds = 15;

/** `sandgate plugin build` as a process of its own, from its start to its end. */
function coldBuild(kind: "ts" | "js", { folder, ...files }: { folder: string; ts: string; js: string }) {
  return timed(() =>
    run(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", command, "plugin", "build", files[kind]],
      {
        // Its own, so that the first build is one that finds nothing.
        env: { ...process.env, NODE_COMPILE_CACHE: join(folder, `cache-${kind}`) },
      },
    ),
  );
}

/** Of TypeScript with its types checked, as authors build; and of the same file as JavaScript, which is not checked. */
function coldFigure(name: string, kind: "ts" | "js"): FigureDefinition {
  return {
    name,
    aim: { most: 1_000 },
    measure: () =>
      withSources(async (sources) => {
        // Otherwise the first would build it.
        await loadEngine();
        const firstMs = await coldBuild(kind, sources);
        const samples: number[] = [];
        while (samples.length < rounds) samples.push(await coldBuild(kind, sources));
        return { value: median(samples), details: { leastMs: Math.min(...samples), firstMs, rounds } };
      }),
  };
}

/** Another build in a process that has built, after an edit, without the type check, which `plugin dev` does beside it. */
const warmRebuild: FigureDefinition = {
  name: "warm_rebuild_ms",
  aim: { most: 100 },
  measure: () =>
    withSources(async ({ ts }) => {
      const code = await readmePlugin();
      const samples: number[] = [];
      for (let edit = 0; edit < 40; edit++) {
        await writeFile(ts, code.replace("1.0.0", `1.0.${edit}`));
        samples.push(await timed(() => compilePlugin(ts)));
      }
      const warm = samples.slice(5);
      return { value: median(warm), details: { p90Ms: quantile(warm, 0.9), firstMs: samples[0] } };
    }),
};

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

export const buildFigures: readonly FigureDefinition[] = [
  coldFigure("cold_build_ms", "ts"),
  coldFigure("cold_build_without_types_ms", "js"),
  warmRebuild,
];
