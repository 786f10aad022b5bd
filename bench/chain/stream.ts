import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "#config/load.ts";
import { memoryBacking } from "#host/capabilities/all.ts";
import { createGeneration, type Generation } from "#host/generation.ts";
import { createExchange } from "#host/incoming.ts";
import { moduleLimits } from "#host/limits.ts";
import { createLog } from "#host/observe/log.ts";
import { throughSteps } from "#host/pipeline/stream.ts";
import { standardImports } from "#host/sandbox/link.ts";
import { prepare } from "#host/sandbox/prepare.ts";
import { eventWriter, readEvents } from "#host/upstream/events.ts";
import { relayEvents } from "#host/upstream/sse.ts";
import { countUsage } from "#host/upstream/usage.ts";
import { compilePlugin } from "#sdk/compile/compile-plugin.ts";
import type { FigureDefinition } from "../figure.ts";
import { interleave } from "../interleaved.ts";

const hooks = 3;
const state = "request";

const source = `import { definePlugin } from "@sandgate/plugin-sdk";
import { passEvent } from "@sandgate/plugin-sdk/effects";
export default definePlugin({
  name: "pass",
  version: "1.0.0",
  hooks: { post_request_event: { reads: ["event"], writes: ["event"] } },
  postRequestEvent: ({ event }) => (event.text === "never" ? undefined : passEvent()),
});
`;

/** What three event hooks in TypeScript that pass cost a stream, against a stream that nobody looks at. */
export const streamFigures: readonly FigureDefinition[] = [
  {
    name: "three_event_hooks_us_per_event",
    async measure() {
      const folder = await mkdtemp(join(tmpdir(), "sandgate-bench-"));
      const generation = await openGeneration(folder);
      try {
        const with3 = (times: number) => drain(withHooks(generation, upstream(times)), times);
        const without = (times: number) => drain(relayed(upstream(times)), times);
        const { aUs, bUs, rounds } = await interleave(with3, without, { rounds: 21, warmUpMs: 3_000 });
        return { value: aUs - bUs, details: { hooks, state, withHooksUs: aUs, withoutUs: bUs, rounds } };
      } finally {
        await generation.retire();
        await rm(folder, { recursive: true });
      }
    },
  },
];

async function openGeneration(folder: string): Promise<Generation> {
  await writeFile(join(folder, "plugin.ts"), source);
  const { wasm } = await compilePlugin(join(folder, "plugin.ts"), {});
  const policy = { memoryPages: moduleLimits.memoryPages, imports: new Set(standardImports) };
  const modules = new Map([["pass", { prepared: await prepare(wasm, policy) }]]);
  const use = Array.from({ length: hooks }, (_, order) => ({
    plugin: "pass",
    id: `pass-${order}`,
    order,
    state,
  }));
  const services = { mock: { provider: "mock" } };
  const routes = { all: { match: { paths: ["/*"] }, service: "mock" } };
  const file = join(folder, "gateway.yaml");
  await writeFile(file, JSON.stringify({ gateway: { use }, services, routes }));
  const accepted = await loadConfig(file, { env: {} });
  if (!accepted.ok) throw new Error(JSON.stringify(accepted.problems));
  const made = await createGeneration(accepted, modules, {
    log: createLog("error"),
    backing: memoryBacking(),
  });
  if ("problems" in made) throw new Error(JSON.stringify(made.problems));
  return made.generation;
}

const api = { surface: "openai", path: "/v1/chat/completions" } as const;

function relayed(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return relayEvents(chunks, { ...api, hideUsage: false, usage: countUsage() });
}

async function* withHooks(
  { resolver, bindings }: Generation,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const exchange = createExchange({
    id: "bench",
    startedMs: performance.now(),
    method: "POST",
    url: api.path,
    headers: {},
    readBody: async () => new Uint8Array(0),
    signal: new AbortController().signal,
  });
  const context = { exchange, bindings, report: () => {}, skip: () => {}, writer: eventWriter(api) };
  const { events } = resolver.plan("all", null);
  for await (const { bytes } of throughSteps(readEvents(relayed(chunks), api), events, context)) yield bytes;
}

/** So many events of a chat completion, one in each chunk, the last that ends it. */
async function* upstream(times: number): AsyncGenerator<Uint8Array> {
  const choices = [{ index: 0, delta: { content: " word" }, logprobs: null, finish_reason: null }];
  const data = {
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1,
    model: "gpt-4o-mini",
    choices,
  };
  const event = Buffer.from(`data: ${JSON.stringify(data)}\n\n`);
  for (let index = 1; index < times; index += 1) yield event;
  yield Buffer.from("data: [DONE]\n\n");
}

async function drain(chunks: AsyncIterable<Uint8Array>, times: number): Promise<void> {
  let count = 0;
  for await (const _chunk of chunks) count += 1;
  if (count !== times) throw new Error(`${count} of ${times} events`);
}
