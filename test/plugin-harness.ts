import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { loadConfig } from "#config/load.ts";
import { printProblem } from "#config/problem.ts";
import type { BindingConfig, GatewayConfig } from "#config/schema.ts";
import { capabilityImports, createCapabilities } from "#host/capabilities/all.ts";
import type { Exchange, ResponsePart } from "#host/exchange.ts";
import { createGeneration } from "#host/generation.ts";
import { createExchange, parseBody } from "#host/incoming.ts";
import { moduleLimits } from "#host/limits.ts";
import { createLog } from "#host/observe/log.ts";
import { applyEffects } from "#host/pipeline/effects.ts";
import { parseOutput } from "#host/pipeline/parse-output.ts";
import { readInput } from "#host/pipeline/read-input.ts";
import { requireOk } from "#host/pipeline/step-failure.ts";
import type { Plan, Step } from "#host/resolve/plan.ts";
import { standardImports } from "#host/sandbox/link.ts";
import type { CallResult } from "#host/sandbox/outcome.ts";
import { type PreparedModule, prepare } from "#host/sandbox/prepare.ts";
import type { Effect } from "#sdk/abi/effects.ts";
import type { StageHook } from "#sdk/abi/hooks.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";

/** A request as the hook meets it. What is not given is absent; `body` is the text of the request's JSON. */
export type Given = {
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly response?: Partial<ResponsePart>;
} & Partial<Pick<Exchange, "id" | "route" | "service" | "consumer" | "tags" | "usage" | "error">>;

/** What a hook did: the effects it asked for, the exchange after them, what it logged and what it cost. */
export type PluginCall = {
  readonly effects: readonly Effect[];
  readonly exchange: Exchange;
  readonly log: readonly LogLine[];
  readonly result: CallResult;
};

/** A line as the operator's log has it. */
export type LogLine = { readonly level: string; readonly msg: string; readonly data?: unknown };

export type OpenPlugin = {
  readonly manifest: Manifest;
  /**
   * Calls the hook as a request does: it gets what its manifest reads, and its effects are checked and applied.
   * @throws {StepFailure} when the call fails, or puts out what the ABI or its own manifest does not allow
   */
  call(hook: StageHook, given?: Given): Promise<PluginCall>;
  close(): Promise<void>;
};

/** The config refuses the plugin, or the plugin its config: the problems as `sandgate validate` prints them. */
export class PluginRefused extends Error {
  override readonly name = "PluginRefused";
}

export type OpenOptions = Pick<BindingConfig, "config" | "state" | "limits"> & {
  /** The operator's limits. */
  readonly most?: GatewayConfig["limits"]["plugins"];
  /** Their keys, by name. */
  readonly consumers?: Readonly<Record<string, readonly string[]>>;
};

const plugins = new URL("../plugins/", import.meta.url);

/**
 * A bundled plugin, `plugins/NAME.wasm`, bound at the gateway level in a generation of its own: what it runs in is
 * all that it runs in when it serves traffic.
 * @throws {PluginRefused}
 */
export async function openPlugin(name: string, options: OpenOptions = {}): Promise<OpenPlugin> {
  const { consumers = {}, most = {}, ...binding } = options;
  const prepared = await preparePlugin(name);
  const { manifest } = prepared;
  if (manifest === null) throw new Error(`${name}.wasm has no manifest`);
  const accepted = await loadText(
    JSON.stringify({
      log: { level: "trace" },
      limits: { plugins: most },
      gateway: { use: [{ plugin: name, ...binding }] },
      services: { mock: { provider: "mock" } },
      routes: { all: { match: { paths: ["/*"] }, service: "mock" } },
      consumers: Object.fromEntries(Object.entries(consumers).map(([one, keys]) => [one, { keys }])),
    }),
  );

  const lines: (LogLine & { readonly requestId?: string })[] = [];
  const log = createLog("trace", { write: (line) => lines.push(JSON.parse(line)) });
  const made = await createGeneration(accepted, new Map([[name, { prepared }]]), log);
  if ("problems" in made) throw new PluginRefused(made.problems.map(withoutPlace).join("\n"));
  const { resolver, bindings, retire } = made.generation;
  const steps = everyStep(resolver.plan("all", null));

  return {
    manifest,
    async call(hook, given = {}) {
      const step = steps.find((one) => one.hook === hook);
      const pool = step && bindings.get(step.key)?.pool;
      if (step === undefined || pool === undefined) throw new Error(`${name} has no hook ${hook}`);
      const exchange = exchangeOf(given);
      const result = await pool.call(hook, readInput(step, exchange), { requestId: exchange.id });
      requireOk(result);
      const effects = parseOutput(step, result.output);
      applyEffects(effects, exchange);
      return { effects, exchange, result, log: lines.filter(({ requestId }) => requestId === exchange.id) };
    },
    close: retire,
  };
}

/** Prepared once per process: it takes longer than most tests. */
const preparedPlugins = new Map<string, Promise<PreparedModule>>();

function preparePlugin(name: string): Promise<PreparedModule> {
  const known = preparedPlugins.get(name);
  if (known !== undefined) return known;
  const prepared = readModule(name).then((bytes) =>
    prepare(bytes, {
      memoryPages: moduleLimits.memoryPages,
      imports: new Set([...standardImports, ...capabilityImports(createCapabilities({ consumers: {} }))]),
    }),
  );
  preparedPlugins.set(name, prepared);
  return prepared;
}

async function readModule(name: string): Promise<Uint8Array> {
  const file = fileURLToPath(new URL(`${name}.wasm`, plugins));
  try {
    return await readFile(file);
  } catch (thrown) {
    throw new Error(`${file} cannot be read; \`npm run build\` makes it`, { cause: thrown });
  }
}

async function loadText(text: string) {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-plugin-"));
  try {
    const file = join(folder, "gateway.yaml");
    await writeFile(file, text);
    const loaded = await loadConfig(file, { env: {} });
    if (!loaded.ok) throw new PluginRefused(loaded.problems.map(withoutPlace).join("\n"));
    return loaded;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `config.level: must be ...`: the file is made up, so where in it the problem stands says nothing. */
function withoutPlace(problem: Parameters<typeof printProblem>[0]): string {
  return printProblem({ ...problem, file: "", line: 0, column: 0 })
    .replace(/^:0:0 ?/, "")
    .replace(/^gateway\.use\.0\./, "");
}

function everyStep(plan: Plan): readonly Step[] {
  const batches = [
    plan.authenticators,
    ...plan.preRequest,
    ...plan.postRequest,
    ...plan.completion,
    ...plan.error,
  ];
  return batches.flat();
}

let requests = 0;

/** The exchange that a request is. */
export function exchangeOf({
  url = "/v1/chat/completions",
  headers = {},
  body,
  response,
  ...rest
}: Given): Exchange {
  const id = `request-${++requests}`;
  const fields: Record<string, string> = Object.assign(Object.create(null), headers);
  if (body !== undefined) fields["content-type"] ??= "application/json";
  const exchange = createExchange({
    id,
    startedMs: performance.now(),
    method: "POST",
    url,
    headers: fields,
    readBody: async () => new Uint8Array(0),
    signal: new AbortController().signal,
  });
  exchange.request = { ...exchange.request, body: parseBody(fields, Buffer.from(body ?? "")) };
  if (response !== undefined) {
    exchange.response = { status: 200, headers: {}, body: { kind: "none" }, ...response };
  }
  return Object.assign(exchange, rest);
}
