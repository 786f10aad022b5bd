import { Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { checkPluginConfig } from "#config/plugin-config.ts";
import { printPath } from "#config/problem.ts";
import { FileRefused, readBounded } from "#config/read-bounded.ts";
import type { BindingConfig, ConfigProblem } from "#config/schema.ts";
import { grantImports } from "#host/capabilities/all.ts";
import { callLimits, moduleLimits, pagesPerMb } from "#host/limits.ts";
import { InstanceBudgetSpent } from "#host/sandbox/capacity.ts";
import type { CallResult } from "#host/sandbox/outcome.ts";
import { createPool, type Pool } from "#host/sandbox/pool.ts";
import type { PreparedModule } from "#host/sandbox/prepare.ts";
import { ConfigureRefused } from "#host/sandbox/provision.ts";
import { Rejected } from "#host/sandbox/rejected.ts";
import { emptyCapabilities, loadModuleFile } from "./module-file.ts";
import { type PrintedResult, printable, printText } from "./printed-result.ts";

type Options = {
  readonly call: string;
  readonly input?: string;
  readonly config: Readonly<Record<string, string>>;
  readonly fuel: number;
  readonly memoryMb: number;
  readonly deadlineMs: number;
  readonly repeat: number;
  readonly json?: true;
};

const longestDeadlineMs = 2 ** 31 - 1;

/** `sandgate plugin run`: one call through the gateway's own sandbox. Exit code 0 for the outcome ok, else 1. */
export function pluginRunCommand(): Command {
  return new Command("run")
    .description("run an exported function of a .wasm in the gateway's sandbox")
    .argument("<file.wasm>", "any Extism module, with a manifest or without")
    .requiredOption("--call <hook>", "the export to call")
    .option("--input <file>", "what the call gets; - reads standard input")
    .option("--config <k=v...>", "config; a value that is JSON counts as JSON", collectConfig, {})
    .option(
      "--fuel <n>",
      "units of about one instruction",
      integer(1, Number.MAX_SAFE_INTEGER),
      callLimits.fuel,
    )
    .option(
      "--memory-mb <n>",
      "memory the plugin may grow to",
      number(1 / pagesPerMb, moduleLimits.memoryPagesHard / pagesPerMb),
      moduleLimits.memoryPages / pagesPerMb,
    )
    .option(
      "--deadline-ms <n>",
      "wall time of the call",
      integer(1, longestDeadlineMs),
      callLimits.deadlineMs,
    )
    .option(
      "--repeat <n>",
      "calls, one after the other; the first that fails ends it",
      integer(1, 1_000_000),
      1,
    )
    .option("--json", "print the result as JSON")
    .action(async (file: string, options: Options) => {
      const result = await run(file, options);
      process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : printText(result));
      process.exitCode = result.outcome === "ok" ? 0 : 1;
    });
}

async function run(file: string, options: Options): Promise<PrintedResult> {
  const memoryPages = Math.floor(options.memoryMb * pagesPerMb);
  const loaded = await loadModuleFile(file, memoryPages);
  if (!loaded.ok) return notRun(`${file}: ${loaded.verdict.message}`);
  try {
    const input = await readInput(options.input);
    const config = bindingConfig(loaded.prepared, options);
    if (config.problems.length > 0) return notRun(config.problems.join("; "));
    const pool = await openPool(loaded.prepared, { memoryPages, options, config: config.json });
    try {
      return await repeat(pool, input, options);
    } finally {
      await pool.close(0);
    }
  } catch (thrown) {
    if (thrown instanceof ConfigureRefused) return printable(thrown.result);
    const expected = [FileRefused, Rejected, InstanceBudgetSpent].some((type) => thrown instanceof type);
    if (expected) return notRun((thrown as Error).message);
    throw thrown;
  }
}

/** What the plugin's `configure` gets, as a binding of the gateway would give it; null when it is not to be called. */
function bindingConfig(
  { manifest }: PreparedModule,
  options: Options,
): { readonly json: string | null; readonly problems: readonly string[] } {
  // A module without manifest may export a function of this name that is something else.
  if (manifest === null || options.call === "configure") return { json: null, problems: [] };
  const written = hookConfig(options.config);
  const checked = checkPluginConfig(manifest.configSchema ?? {}, written);
  return checked.ok
    ? { json: JSON.stringify(checked.config), problems: [] }
    : { json: null, problems: checked.problems.map(printConfigProblem) };
}

function printConfigProblem({ path, message, hint }: ConfigProblem): string {
  const meant = hint === undefined ? "" : `, did you mean "${hint}"?`;
  return `${printPath(["config", ...path])}: ${message}${meant}`;
}

type PoolSettings = {
  readonly memoryPages: number;
  readonly options: Options;
  readonly config: string | null;
};

function openPool(prepared: PreparedModule, { memoryPages, options, config }: PoolSettings): Promise<Pool> {
  const { manifest } = prepared;
  const name = manifest?.name ?? "the module";
  return createPool(prepared, {
    name,
    config,
    extismConfig: options.config,
    state: manifest?.state ?? "request",
    limits: { fuel: options.fuel, deadlineMs: options.deadlineMs, memoryPages },
    imports:
      manifest === null
        ? {}
        : grantImports(emptyCapabilities, {
            plugin: name,
            binding: name,
            namespace: { tenant: null, plugin: name, binding: [] },
            manifest,
            // What ends with this run is granted; the network and credentials are not.
            grants: { kv: true, counters: true, cache: true },
          }),
    log: (level, text) => process.stderr.write(`${level}: ${text}\n`),
  });
}

async function repeat(pool: Pool, input: Uint8Array, options: Options): Promise<PrintedResult> {
  const durations: number[] = [];
  let last: CallResult;
  do {
    last = await pool.call(options.call, input);
    durations.push(last.durationUs);
  } while (last.outcome === "ok" && durations.length < options.repeat);
  return options.repeat === 1 ? printable(last) : { ...printable(last), repeat: spread(durations) };
}

function spread(durations: readonly number[]): NonNullable<PrintedResult["repeat"]> {
  const sorted = durations.toSorted((left, right) => left - right);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return { calls: sorted.length, minUs: at(0), medianUs: at(0.5), maxUs: at(1) };
}

async function readInput(source: string | undefined): Promise<Uint8Array> {
  if (source === undefined) return new Uint8Array(0);
  if (source !== "-") return readBounded(source, callLimits.inputBytes);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > callLimits.inputBytes) {
      throw new FileRefused("too-large", `standard input has over ${callLimits.inputBytes} bytes`);
    }
  }
  return Buffer.concat(chunks);
}

function notRun(error: string): PrintedResult {
  return { outcome: "rejected", output: "", error, fuelUsed: 0, durationUs: 0, memoryPages: 0 };
}

/** The config as a binding has it: `limit=5` is a number, `name=alice` a string. */
export function hookConfig(config: Readonly<Record<string, string>>): NonNullable<BindingConfig["config"]> {
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, jsonOr(value)]));
}

function jsonOr(value: string): NonNullable<BindingConfig["config"]>[string] {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

export function collectConfig(
  pair: string,
  before: Readonly<Record<string, string>>,
): Record<string, string> {
  const at = pair.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("write key=value");
  return Object.assign(Object.create(null), before, { [pair.slice(0, at)]: pair.slice(at + 1) });
}

const integer = (min: number, max: number) => numberParser(z.coerce.number().int().min(min).max(max));
const number = (min: number, max: number) => numberParser(z.coerce.number().min(min).max(max));

function numberParser(schema: z.ZodType<number>): (text: string) => number {
  return (text) => {
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    throw new InvalidArgumentError(z.prettifyError(parsed.error));
  };
}
