import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { loadConfig } from "#config/load.ts";
import { memoryBacking } from "#host/capabilities/all.ts";
import { createGeneration } from "#host/generation.ts";
import { moduleLimits } from "#host/limits.ts";
import { createLog } from "#host/observe/log.ts";
import type { StepReport } from "#host/pipeline/run-stage.ts";
import { throughSteps } from "#host/pipeline/stream.ts";
import { standardImports } from "#host/sandbox/link.ts";
import { prepare } from "#host/sandbox/prepare.ts";
import type { Surface } from "#host/surface.ts";
import { eventWriter, readEvents } from "#host/upstream/events.ts";
import { temporaryFolder } from "#test/config/config-file.ts";
import { exchangeOf } from "#test/pipeline/exchange.ts";
import { compileEventPlugin, type EventPlugin } from "#test/request/event-plugin.ts";
import { apiOf } from "#test/upstream/events-of.ts";

export type EventStage = {
  /** What comes of a stream that arrives in these chunks, and what it ended with. */
  run(
    surface: Surface,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly bytes: Buffer; readonly error: unknown }>;
  /** The same, as it is asked for. */
  pull(surface: Surface, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array>;
  readonly reports: StepReport[];
};

/** Event plugins bound in this order, in a generation of their own. */
export async function openEventStage(
  t: TestContext,
  plugins: Readonly<Record<string, EventPlugin>>,
): Promise<EventStage> {
  const file = join(await temporaryFolder(t), "gateway.yaml");
  const use = Object.entries(plugins).map(([plugin, { binding }], order) => ({ plugin, order, ...binding }));
  const services = { mock: { provider: "mock" } };
  const routes = { all: { match: { paths: ["/*"] }, service: "mock" } };
  await writeFile(file, JSON.stringify({ gateway: { use }, services, routes }));
  const accepted = await loadConfig(file, { env: {} });
  if (!accepted.ok) throw new Error(JSON.stringify(accepted.problems));

  const policy = { memoryPages: moduleLimits.memoryPages, imports: new Set(standardImports) };
  const modules = new Map<string, { prepared: Awaited<ReturnType<typeof prepare>> }>();
  for (const [name, plugin] of Object.entries(plugins)) {
    modules.set(name, { prepared: await prepare(await compileEventPlugin(t, name, plugin), policy) });
  }
  const made = await createGeneration(accepted, modules, {
    log: createLog("error"),
    backing: memoryBacking(),
  });
  if ("problems" in made) throw new Error(JSON.stringify(made.problems));
  const { generation } = made;
  t.after(() => generation.retire());
  const { resolver, bindings } = generation;
  const reports: StepReport[] = [];

  async function* pull(surface: Surface, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const api = apiOf(surface);
    const exchange = exchangeOf({});
    const pieces = throughSteps(readEvents(chunks, api), resolver.plan("all", null).events, {
      exchange,
      bindings,
      report: (report) => reports.push(report),
      skip: () => {},
      writer: eventWriter(api),
    });
    for await (const { bytes } of pieces) yield bytes;
  }

  return {
    reports,
    pull,
    async run(surface, chunks) {
      const parts: Uint8Array[] = [];
      try {
        for await (const bytes of pull(surface, chunks)) parts.push(bytes);
      } catch (error) {
        return { bytes: Buffer.concat(parts), error };
      }
      return { bytes: Buffer.concat(parts), error: null };
    },
  };
}
