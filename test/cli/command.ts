import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const script = join(import.meta.dirname, "../../host/cli/sandgate.js");
const flags = ["--disable-warning=ExperimentalWarning"];

export type Ended = {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type CommandOptions = {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Of Node itself, before the script. */
  readonly nodeFlags?: readonly string[];
  readonly cwd?: string;
};

/** Starts `sandgate` with these arguments, as a process of its own. */
export function spawnCommand(
  args: readonly string[],
  options: CommandOptions = {},
): ChildProcessWithoutNullStreams {
  const nodeFlags = [...flags, ...(options.nodeFlags ?? [])];
  const child = spawn(process.execPath, [...nodeFlags, script, ...args], {
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  return child;
}

/** Runs `sandgate` to its end; one that hangs is killed after a minute, and then its code is null. */
export async function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  const child = spawnCommand(args, options);
  const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
  const [stdout, stderr, [code]] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  clearTimeout(timer);
  return { code, stdout, stderr };
}

/** Waits until the output has a match; throws with all output when it ends before. */
export async function waitForText(
  child: ChildProcessWithoutNullStreams,
  pattern: RegExp,
): Promise<RegExpExecArray> {
  let text = "";
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    text += chunk;
    const found = pattern.exec(text);
    if (found !== null) return found;
  }
  throw new Error(`no ${pattern} in ${JSON.stringify(text)}`);
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(stream)).toString("utf8");
}
