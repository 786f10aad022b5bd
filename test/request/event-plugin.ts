import type { TestContext } from "node:test";
import { compileSources } from "#test/sdk/source-plugin.ts";
import { type Bench, type BenchOptions, openBench } from "./bench.ts";

export type EventPlugin = {
  /** Of `postRequestEvent(input, host)`. */
  readonly body: string;
  /** Beside `event`. */
  readonly reads?: readonly string[];
  readonly binding?: object;
  /** Lines above the plugin. */
  readonly before?: string;
};

/** A plugin in TypeScript that decides about each event with this code. */
export async function compileEventPlugin(
  t: TestContext,
  name: string,
  { body, reads = [], before = "" }: EventPlugin,
): Promise<Uint8Array> {
  const { wasm } = await compileSources(
    t,
    `import { definePlugin } from "@sandgate/plugin-sdk";
import { dropEvent, holdEvent, passEvent, releaseHeld, replaceData, replaceText, stopStream, tag } from "@sandgate/plugin-sdk/effects";
${before}
export default definePlugin({
  name: "${name}",
  version: "1.0.0",
  hooks: { post_request_event: { reads: ${JSON.stringify(["event", ...reads])}, writes: ["event", "tags"] } },
  postRequestEvent(input: any, host: any): any { const { event } = input; ${body} },
});
`,
  );
  return wasm;
}

/** A gateway with these plugins in this order, before a fake upstream. */
export async function openEventBench(
  t: TestContext,
  plugins: Readonly<Record<string, EventPlugin>>,
  options: BenchOptions = {},
): Promise<Bench> {
  const compiled = await Promise.all(
    Object.entries(plugins).map(
      async ([name, plugin]) => [name, await compileEventPlugin(t, name, plugin)] as const,
    ),
  );
  const use = Object.entries(plugins).map(([plugin, { binding }], order) => ({ plugin, order, ...binding }));
  return openBench(t, {
    ...options,
    plugins: { ...Object.fromEntries(compiled), ...options.plugins },
    config: { gateway: { use }, ...options.config },
  });
}

export const eventStream = { "content-type": "text/event-stream" };

/** A chat completion's chunk with this text. */
export function chunk(content: string, more: object = {}): string {
  const choices = [{ index: 0, delta: { content }, finish_reason: null, ...more }];
  return `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", choices })}\n\n`;
}

export const finish = `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\n`;
export const done = "data: [DONE]\n\n";

/** What a client takes for the text of choice `index`. */
export function contentOf(text: string, index = 0): string {
  const lines = text.split(/\r\n|\r|\n/).filter((line) => line.startsWith("data: {"));
  return lines
    .map((line) => JSON.parse(line.slice(6)))
    .flatMap(({ choices = [] }) => choices.filter((choice: { index: number }) => choice.index === index))
    .map(({ delta }) => delta?.content ?? "")
    .join("");
}
