import { performance } from "node:perf_hooks";
import { Command } from "commander";
import { ConfigRefused } from "#host/gateway.ts";
import { type Running, start } from "#host/main.ts";

type Options = { readonly config: string; readonly demo?: true };

/** `sandgate start`: serves until SIGINT or SIGTERM; another SIGINT while it stops ends it at once. */
export function startCommand(): Command {
  return new Command("start")
    .description("serve the gateway that a config describes")
    .option("--config <file>", "the config", "gateway.yaml")
    .option("--demo", "print a ready curl line, with a consumer's key in it")
    .action(async ({ config: file, demo }: Options) => {
      try {
        const running = await start({ file, env: process.env });
        stopOnSignal(running);
        process.stdout.write(demo ? demoText(running) : `Sandgate is ready on ${running.url}\n`);
      } catch (thrown) {
        process.stderr.write(`${refusalText(thrown)}\n`);
        process.exitCode = 1;
      }
    });
}

/** Ctrl-C reaches a program under npm twice: from the terminal, and passed on by npm. */
const sameSignalMs = 500;

function stopOnSignal(running: Running): void {
  let stoppingSince: number | null = null;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      const again = stoppingSince !== null && performance.now() - stoppingSince > sameSignalMs;
      if (again && signal === "SIGINT") process.exit(1);
      stoppingSince ??= performance.now();
      running.stop().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });
  }
}

/** Expected failures in a sentence; anything else is a defect and keeps its stack. */
function refusalText(thrown: unknown): string {
  if (thrown instanceof ConfigRefused) return thrown.message;
  if (!(thrown instanceof Error)) return String(thrown);
  const code = "code" in thrown ? thrown.code : undefined;
  if (code === "EADDRINUSE")
    return `${thrown.message}: is another gateway running? Set listen.port (or PORT with the sample).`;
  if (code === "EACCES" || code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return `cannot listen: ${thrown.message}`;
  return thrown.stack ?? thrown.message;
}

function demoText({ url, gateway }: Running): string {
  const key = Object.values(gateway.current.config.consumers).flatMap(({ keys = [] }) => keys)[0];
  const curl = [
    `curl ${url}/v1/chat/completions`,
    ...(key === undefined ? [] : [`-H 'authorization: Bearer ${key}'`]),
    "-H 'content-type: application/json'",
    `-d '{"model":"mock","messages":[{"role":"user","content":"Hello"}]}'`,
  ].join(" ");
  const lines = [
    `Sandgate is ready on ${url}`,
    ...(key === undefined ? [] : [`Demo key: ${key}`]),
    "Try it:",
    `  ${curl}`,
  ];
  return `\n${lines.join("\n")}\n\n`;
}
