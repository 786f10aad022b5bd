import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { stripVTControlCharacters } from "node:util";

const script = join(import.meta.dirname, "../../host/cli/sandgate.js");

/** Against hangs only. */
const longestMs = 60_000;

/** A folder for one test, with the source of a plugin, and what else is written there. */
export type Workshop = {
  readonly folder: string;
  /** `plugin.ts` of the folder. */
  readonly entry: string;
  /** Where the processes of the test have their temporary files. */
  readonly temporary: string;
  /** What the test ends before its folder is removed. */
  readonly running: Set<() => Promise<unknown>>;
  /** Writes a file of the plugin's folder in one step, as an editor does. */
  save(name: string, text: string): Promise<void>;
};

export async function createWorkshop(test: TestContext, source: string): Promise<Workshop> {
  const root = await mkdtemp(join(tmpdir(), "sandgate-"));
  const running = new Set<() => Promise<unknown>>();
  test.after(async () => {
    await Promise.all([...running].map((end) => end()));
    await rm(root, { recursive: true, force: true });
  });
  const [folder, temporary] = [join(root, "my-plugin"), join(root, "tmp")];
  await Promise.all([mkdir(folder), mkdir(temporary)]);
  const save = async (name: string, text: string) => {
    const file = join(folder, name);
    await writeFile(`${file}.new~`, text);
    await rename(`${file}.new~`, file);
  };
  await save("plugin.ts", source);
  return { folder, entry: join(folder, "plugin.ts"), temporary, running, save };
}

/** A running `sandgate plugin dev`. */
export type DevProcess = {
  /** Where it serves; fails when it ends before. */
  readonly url: Promise<string>;
  /** Waits for a match in what was printed after the match before. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Everything that was printed. */
  output(): string;
  /** Presses a key, and Enter. */
  press(key: string): void;
  /** Ends it by a signal, or waits for its end; answers with the exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
  /** Sends a chat as alice, or with other headers; answers with the JSON. */
  chat(content: string, headers?: Readonly<Record<string, string>>): Promise<ChatAnswer>;
};

export type ChatAnswer = {
  readonly status: number;
  readonly headers: Headers;
  /** What reached the provider; absent when nothing did. */
  readonly sent?: { readonly headers: Readonly<Record<string, string>>; readonly body: object };
};

/** Starts it for a plugin; the test ends it. `args` come after the path. */
export function startDev(workshop: Workshop, args: readonly string[] = []): DevProcess {
  const child: ChildProcessWithoutNullStreams = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", script, "plugin", "dev", workshop.folder, ...args],
    { env: { ...process.env, TMPDIR: workshop.temporary, NO_COLOR: "1" } },
  );
  const ended = once(child, "close") as Promise<[number | null]>;
  workshop.running.add(() => {
    child.kill("SIGKILL");
    return ended;
  });

  let text = "";
  let from = 0;
  const collect = (chunk: Buffer) => {
    text += stripVTControlCharacters(chunk.toString());
    child.emit("text");
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);

  async function find(pattern: RegExp, start: () => number): Promise<RegExpExecArray> {
    const deadline = AbortSignal.timeout(longestMs);
    for (;;) {
      const found = pattern.exec(text.slice(start()));
      if (found !== null) return found;
      if (child.exitCode !== null || deadline.aborted) throw new Error(`no ${pattern} in\n${text}`);
      await Promise.race([once(child, "text", { signal: deadline }), ended]).catch(() => {});
    }
  }
  const url = find(/ready on (\S+)/, () => 0).then(([, found = ""]) => found);
  url.catch(() => {});

  return {
    url,
    async printed(pattern) {
      const found = await find(pattern, () => from);
      from += found.index + found[0].length;
      return found;
    },
    output: () => text,
    press: (key) => child.stdin.write(`${key}\n`),
    async end(signal) {
      if (signal !== undefined) child.kill(signal);
      const timer = setTimeout(() => child.kill("SIGKILL"), longestMs);
      const [code] = await ended;
      clearTimeout(timer);
      return code;
    },
    async chat(content, headers = { authorization: "Bearer sk-alice-dev" }) {
      const answer = await fetch(`${await url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ model: "mock", messages: [{ role: "user", content }] }),
        signal: AbortSignal.timeout(longestMs),
      });
      const { sandgate_mock: sent } = (await answer.json()) as { sandgate_mock?: ChatAnswer["sent"] };
      const { status } = answer;
      return { status, headers: answer.headers, ...(sent === undefined ? {} : { sent }) };
    },
  };
}
