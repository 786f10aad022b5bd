import { dirname, relative } from "node:path";
import { performance } from "node:perf_hooks";
import { Command, InvalidArgumentError, Option } from "commander";
import type { Running } from "#host/main.ts";
import { findTargets, NoTarget } from "#sdk/compile/targets.ts";
import { buildOnChange } from "./dev/build.ts";
import { type DevHome, folderHome, givenHome, HomeRefused, temporaryHome } from "./dev/home.ts";
import { listenForKeys } from "./dev/keys.ts";
import { paint, plainLines } from "./dev/report.ts";
import { createSession } from "./dev/session.ts";
import { collectConfig, hookConfig } from "./plugin-run.ts";

type Options = {
  readonly port: number;
  readonly config: Readonly<Record<string, string>>;
  readonly gateway?: string;
  readonly into?: string;
};

/** `sandgate plugin dev`: builds at every change and shows what the plugin does to real requests, until Ctrl-C. */
export function pluginDevCommand(): Command {
  return new Command("dev")
    .description("build a plugin at every change, serve a gateway with it, and show what it does")
    .argument("<path>", "the folder of a plugin, or its .ts file")
    .addOption(
      new Option("--port <n>", "where the gateway listens; 0 takes any free port")
        .argParser(portNumber)
        .default(8787),
    )
    .option(
      "--config <k=v...>",
      "config of the plugin; a value that is JSON counts as JSON",
      collectConfig,
      {},
    )
    .addOption(
      new Option(
        "--gateway <gateway.yaml>",
        "serve this config instead of one made for the plugin; the module goes into its first plugin folder",
      ).conflicts(["port", "config"]),
    )
    .option(
      "--into <folder>",
      "write the module also into this plugin folder of a gateway that runs elsewhere",
    )
    .action(async (path: string, options: Options) => {
      try {
        await develop(await entryOf(path), options);
      } catch (thrown) {
        process.stderr.write(`${refusalText(thrown, options)}\n`);
        process.exit(1);
      }
    });
}

/** Ctrl-C reaches a program under npm twice: from the terminal, and passed on by npm. */
const sameSignalMs = 500;

/** Resolves when the first build is in service, or has failed; the process then goes on until it is told to end. */
async function develop(entry: string, options: Options): Promise<void> {
  const home = await homeOf(options);
  const session = createSession({
    home,
    into: options.into === undefined ? null : await folderHome(options.into),
    folder: dirname(entry),
    print,
    onReady: (running) => print(readyText(running, home)),
  });
  const build = buildOnChange(entry, {
    onBuilt: (built) => session.put(built),
    onFailed: (text) => print(`\n${paint("red", "not built")}\n${plainLines(text)}`),
    onTypes: createTypeReport(),
    onFault: tell,
  });
  /** What goes wrong while it runs is said, and it runs on. */
  function tell(fault: unknown): void {
    print(`\n${plainLines(refusalText(fault, options))}`);
  }

  const keys = listenForKeys((key) => {
    if (key === "r") session.again().catch(tell);
    else if (key === "s") session.save().catch(tell);
    else if (key === "q") end();
  });
  let endingSince: number | null = null;
  function end(): void {
    // Whoever asks twice does not want to wait.
    if (endingSince !== null && performance.now() - endingSince > sameSignalMs) process.exit(1);
    if (endingSince !== null) return;
    endingSince = performance.now();
    keys.close();
    Promise.all([build.close(), session.stop()]).then(() => process.exit(0), die);
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, end);

  print(
    `watching ${relative(process.cwd(), entry)}${options.into === undefined ? "" : `, into ${options.into}`}`,
  );
  await build.first;
}

async function entryOf(path: string): Promise<string> {
  const [target, ...others] = await findTargets(path);
  if (target === undefined) throw new NoTarget(path, "there is no plugin.ts in it");
  if (others.length > 0) throw new NoTarget(path, "a folder of several plugins; name one of them");
  return target.entry;
}

function homeOf({ gateway, port, config }: Options): Promise<DevHome> | DevHome {
  return gateway === undefined ? temporaryHome({ port, config: hookConfig(config) }) : givenHome(gateway);
}

function readyText({ url, gateway }: Running, { consumers }: DevHome): string {
  const [key] = Object.values(consumers ?? {}).flat();
  const [path = "/*"] = Object.values(gateway.current.config.routes).flatMap(
    ({ match }) => match.paths ?? [],
  );
  const curl = [
    `curl ${url}${path === "/*" ? "/v1/chat/completions" : path.replace(/\/\*$/, "/chat/completions")}`,
    `-H 'authorization: Bearer ${key ?? "YOUR_KEY"}'`,
    "-H 'content-type: application/json'",
    `-d '{"model":"mock","messages":[{"role":"user","content":"Hello"}]}'`,
  ].join(" ");
  return [
    `\nSandgate is ready on ${url}`,
    ...(key === undefined ? [] : [`The key of the consumer alice: ${key}`]),
    "Try it:",
    `  ${curl}`,
    `Keys${process.stdin.isTTY ? "" : " (and Enter)"}: r sends the last request again, s saves its calls as fixtures, q quits\n`,
  ].join("\n");
}

/** Says once that the types are right again. */
function createTypeReport(): (errors: readonly string[]) => void {
  let wrong = false;
  return (errors) => {
    if (errors.length > 0) print(`\n${paint("yellow", "type errors")}\n${plainLines(errors.join("\n"))}`);
    else if (wrong) print(paint("green", "the types are right again"));
    wrong = errors.length > 0;
  };
}

function refusalText(thrown: unknown, { gateway }: Options): string {
  if (thrown instanceof NoTarget || thrown instanceof HomeRefused) return thrown.message;
  if (!(thrown instanceof Error)) return String(thrown);
  const { code, port } = thrown as NodeJS.ErrnoException & { readonly port?: number };
  if (code === "EADDRINUSE") {
    const other = gateway === undefined ? "--port" : `listen.port in ${gateway}`;
    return `port ${port} is taken; choose another with ${other}, or stop what listens there`;
  }
  if (code === "EACCES") return `cannot listen or write: ${thrown.message}`;
  return thrown.stack ?? thrown.message;
}

function die(fault: unknown): never {
  process.stderr.write(`${fault instanceof Error ? fault.stack : fault}\n`);
  process.exit(1);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function portNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError("a port is 0 to 65535");
  return Number(text);
}
