import type { TestContext } from "node:test";
import { textOf } from "#test/sandbox/fixture.ts";
import { openSources, writeSources } from "./source-plugin.ts";

type Run = (input: unknown) => unknown;

export type NodeAndPlugin = {
  /** Both answers to an input that JSON can hold; what is thrown fails the test. */
  both(input: unknown): Promise<{ readonly node: unknown; readonly plugin: unknown }>;
};

const plugin = `import { run } from "./run.js";
export async function call() { Host.outputString(JSON.stringify(await run(JSON.parse(Host.inputString())))); }`;

/** A module with `export function run(input)`, in Node and in the sandbox. */
export async function openNodeAndPlugin(t: TestContext, code: string): Promise<NodeAndPlugin> {
  const sources = { "plugin.ts": plugin, "run.js": code, "package.json": `{ "type": "module" }` };
  const folder = await writeSources(t, sources);
  const { run } = (await import(`${folder}/run.js`)) as { run: Run };
  const { call } = await openSources(t, sources, { fuel: 20_000_000_000 });
  return {
    async both(input) {
      const result = await call("call", JSON.stringify(input));
      if (result.outcome !== "ok") throw new Error(`${result.outcome}: ${result.error}`);
      return {
        node: JSON.parse(JSON.stringify(await run(structuredClone(input)))),
        plugin: JSON.parse(textOf(result)),
      };
    },
  };
}
