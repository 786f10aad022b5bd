import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { credentialHeaders } from "#host/credentials.ts";
import type { Json } from "#sdk/abi/from-schema.ts";
import { redacted } from "./exchange-text.ts";
import type { RecordedCall } from "./recorder.ts";

type Input = { request?: { headers?: Record<string, string> } };

type SaveOptions = {
  /** Of the plugin. */
  readonly folder: string;
  /** Those whose keys are no secret. */
  readonly consumers: Readonly<Record<string, readonly string[]>>;
  /** Values of the config that nobody may see. */
  readonly secrets: readonly string[];
};

/**
 * Writes each call as a case of its own, `fixtures/N.json` in the plugin's folder, N being the next free number. What
 * a client proved itself with is left out, and what the config holds of secrets.
 * @returns the files, and the headers whose value was left out
 */
export async function saveFixtures(
  calls: readonly RecordedCall[],
  options: SaveOptions,
): Promise<{ readonly files: readonly string[]; readonly leftOut: readonly string[] }> {
  const folder = join(options.folder, "fixtures");
  await mkdir(folder, { recursive: true });
  const known = Object.values(options.consumers).flat();
  const files: string[] = [];
  const leftOut = new Set<string>();
  for (const call of calls) {
    const input = JSON.parse(call.input) as Input;
    for (const name of redactHeaders(input, known)) leftOut.add(name);
    files.push(
      await writeNext(folder, `${JSON.stringify(fixtureOf(call, { input, ...options }), null, 2)}\n`),
    );
  }
  return { files, leftOut: [...leftOut] };
}

type Case = { readonly input: Input } & SaveOptions;

function fixtureOf(
  { step, outcome, error, effects }: RecordedCall,
  { input, consumers, secrets }: Case,
): object {
  const { grants } = step.binding;
  const config = withoutSecrets(step.binding.config, secrets);
  const asks = step.manifest.capabilities?.includes("consumers") ?? false;
  return {
    hook: step.hook,
    ...(Object.keys(config).length === 0 ? {} : { config }),
    ...(Object.keys(grants).length === 0 ? {} : { grants }),
    ...(asks && Object.keys(consumers).length > 0 ? { consumers } : {}),
    input,
    expect: outcome === "ok" ? { effects } : { outcome, error: error ?? "" },
  };
}

function withoutSecrets(config: { readonly [name: string]: Json }, secrets: readonly string[]): object {
  const text = JSON.stringify(config, (_name, value: unknown) =>
    typeof value === "string" && secrets.some((secret) => value.includes(secret)) ? redacted : value,
  );
  return JSON.parse(text);
}

function redactHeaders({ request }: Input, known: readonly string[]): string[] {
  const found: string[] = [];
  const headers = request?.headers ?? {};
  for (const [name, value] of Object.entries(headers)) {
    if (!credentialHeaders.has(name) || known.some((key) => value.replace(/^Bearer /i, "") === key)) continue;
    headers[name] = redacted;
    found.push(name);
  }
  return found;
}

/** Never over a file that is there. */
async function writeNext(folder: string, text: string): Promise<string> {
  for (let number = 1; ; number++) {
    const file = join(folder, `${number}.json`);
    try {
      await writeFile(file, text, { flag: "wx" });
      return file;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") throw thrown;
    }
  }
}
