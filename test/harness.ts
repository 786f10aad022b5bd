import { once } from "node:events";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { TestContext } from "node:test";
import { stringify } from "yaml";
import { type Running, start } from "#host/main.ts";
import { createLog } from "#host/observe/log.ts";

/** A line of the gateway's log. */
export type LogLine = { readonly level: string; readonly msg: string; readonly [field: string]: unknown };

/** A gateway that serves on a free port, with config and plugins in a folder of its own. */
export type TestGateway = {
  readonly url: string;
  readonly running: Running;
  readonly log: readonly LogLine[];
  /** The first line, past or to come, that `matches`. */
  logged(matches: (line: LogLine) => boolean): Promise<LogLine>;
  /** `GET path` or whatever `init` says. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** `POST path` with a JSON body, as alice. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Writes the config anew, in one step, as an editor does. */
  writeConfig(config: object | string): Promise<void>;
  /** Writes a file of the plugin folder anew, in one step; null removes it. */
  writePlugin(name: string, bytes: Uint8Array | null): Promise<void>;
  readonly folder: string;
};

export type TestGatewayOptions = {
  /** Without `listen` and `plugins`; a text is written as it is. */
  readonly config: object;
  /** By file name, without `.wasm`. */
  readonly plugins?: Readonly<Record<string, Uint8Array>>;
  readonly env?: Readonly<Record<string, string>>;
};

/** Starts a gateway for one test, which stops it. */
export async function startTestGateway(test: TestContext, options: TestGatewayOptions): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-"));
  await mkdir(join(folder, "plugins"));
  const file = join(folder, "gateway.yaml");

  async function replace(path: string, content: string | Uint8Array): Promise<void> {
    await writeFile(`${path}.new`, content);
    await rename(`${path}.new`, path);
  }
  const writeConfig = (config: object | string) =>
    replace(
      file,
      typeof config === "string"
        ? config
        : stringify({ listen: { port: 0 }, log: { level: "trace" }, ...config }),
    );
  const writePlugin = (name: string, bytes: Uint8Array | null) => {
    const path = join(folder, "plugins", `${name}.wasm`);
    return bytes === null ? rm(path) : replace(path, bytes);
  };

  const { log, lines, logged } = listenToLog();
  for (const [name, bytes] of Object.entries(options.plugins ?? {})) await writePlugin(name, bytes);
  await writeConfig(options.config);
  const running = await start({ file, env: options.env ?? {}, log });
  test.after(async () => {
    await running.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const { url } = running;
  return {
    url,
    running,
    log: lines,
    logged,
    folder,
    fetch: (path, init) => fetch(url + path, init),
    post: (path, body, headers = {}) =>
      fetch(url + path, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: "Bearer sk-alice-test", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    writeConfig,
    writePlugin,
  };
}

function listenToLog() {
  const stream = new PassThrough();
  const lines: LogLine[] = [];
  let rest = "";
  stream.on("data", (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts.map((part) => JSON.parse(part) as LogLine));
    stream.emit("lines");
  });
  async function logged(matches: (line: LogLine) => boolean): Promise<LogLine> {
    for (;;) {
      const found = lines.find(matches);
      if (found !== undefined) return found;
      await once(stream, "lines", { signal: AbortSignal.timeout(5_000) });
    }
  }
  return { log: createLog("trace", stream), lines, logged };
}
