import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { ConfigRefused } from "#host/gateway.ts";
import { type Running, start } from "#host/main.ts";
import type { Built } from "./build.ts";
import { saveFixtures } from "./fixture.ts";
import type { DevHome } from "./home.ts";
import { createRecorder, type LoggedLine, type RecordedRequest } from "./recorder.ts";
import { createReplays } from "./replay.ts";
import { logText, paint, plainLines, replayReport, requestReport } from "./report.ts";

export type SessionOptions = {
  readonly home: DevHome;
  /** A plugin folder that gets the module besides; null for none. */
  readonly into: Pick<DevHome, "put"> | null;
  /** Of the plugin's source. */
  readonly folder: string;
  readonly print: (text: string) => void;
  /** Once, when the first module is in service. */
  readonly onReady: (running: Running) => void;
};

/** A gateway with one plugin under work. */
export type Session = {
  /** Takes a build into service and sends the last request again. @throws what `listen` throws when the address is taken */
  put(built: Built): Promise<void>;
  /** Sends the last request again. */
  again(): Promise<void>;
  /** Writes the calls of the last request as fixtures. */
  save(): Promise<void>;
  stop(): Promise<void>;
};

/** An answer that takes longer does not keep the next build waiting. */
const replayMs = 1_000;

export function createSession({ home, into, folder, print, onReady }: SessionOptions): Session {
  let running: Running | null = null;
  let isKnown = false;
  const written = new Set<string>();
  /** While a build goes into service, `put` tells what the gateway says of it. */
  let takingUp = false;
  let plugin: string | null = null;
  let last: RecordedRequest | null = null;
  const replays = createReplays((reason) => print(`the request cannot be sent again: ${reason}`));

  const recorder = createRecorder({
    plugin: () => plugin,
    onRequest(request) {
      if (request.replay !== null) {
        replays.receive(request.replay, request);
        return;
      }
      last = request;
      print(`\n${requestReport(request)}`);
    },
    onLine: (line) => {
      const isTold = takingUp && line.plugin === undefined;
      if (!isTold && isWorthALine(line)) print(logText(line));
    },
  });

  /** What keeps the gateway from using the module as it is; empty when nothing does. */
  async function takeUp(moduleFile: string): Promise<readonly string[]> {
    if (running === null) {
      try {
        const { observer, log } = recorder;
        running = await start({ file: home.configFile, env: process.env, log, observer });
      } catch (thrown) {
        if (!(thrown instanceof ConfigRefused)) throw thrown;
        return thrown.message.split("\n");
      }
    } else {
      await running.gateway.reload();
    }
    const { config, plugins } = running.gateway.refusals;
    const own = plugins.filter(({ file }) => file === moduleFile);
    return [...config, ...own.map(({ reason }) => reason)];
  }

  async function again(): Promise<void> {
    const before = last;
    if (running === null || before === null) {
      print("there is no request yet to send again");
      return;
    }
    const now = await replays.send(before.sent, running.url);
    if (now === null) return;
    last = now;
    print(`\n${replayReport(before, now)}`);
  }

  return {
    async put(built) {
      const startedMs = performance.now();
      plugin = built.manifest.name;
      const moduleFile = await home.put(built);
      const intoFile = await into?.put(built);
      takingUp = true;
      const refused = await takeUp(moduleFile).finally(() => {
        takingUp = false;
      });
      const liveMs = performance.now() - startedMs;
      for (const warning of built.warnings) print(plainLines(warning));
      const build = `built in ${Math.round(built.buildMs)} ms (${Math.ceil(built.wasm.length / 1024)} KiB)`;
      if (refused.length > 0) {
        const kept = running === null ? "" : "; what was in service stays";
        print(`\n${paint("red", `${build}, refused by the gateway${kept}`)}`);
        for (const reason of refused) print(`  ${plainLines(withoutPlace(reason, home))}`);
        return;
      }
      print(`\n${paint("green", build)}, live after ${Math.round(liveMs)} ms more`);
      for (const file of [...(home.consumers === null ? [moduleFile] : []), intoFile ?? []].flat()) {
        if (!written.has(file)) print(`written to ${file}, now and at every build`);
        written.add(file);
      }
      if (running !== null && !isKnown) onReady(running);
      isKnown = true;
      if (last !== null) await Promise.race([again(), delay(replayMs)]);
    },
    again,
    async save() {
      if (last === null || last.calls.length === 0) {
        print("there is no call yet to save");
        return;
      }
      const { files, leftOut } = await saveFixtures(last.calls, {
        folder,
        consumers: home.consumers ?? {},
        secrets: await home.secrets(),
      });
      for (const file of files) print(`saved ${file}`);
      if (leftOut.length > 0) print(`[redacted] stands for a credential in ${leftOut.join(", ")}`);
    },
    async stop() {
      replays.stop();
      await running?.stop();
    },
  };
}

/** The plugin's own lines, as from `configure`; of the gateway's what is wrong, and that a config of the author's was reloaded. */
function isWorthALine({ plugin, level, msg }: LoggedLine): boolean {
  return plugin !== undefined || /warn|error|fatal/.test(level) || /reloaded/.test(msg);
}

/** The config of a temporary folder has no lines that anybody has seen. */
function withoutPlace(problem: string, { configFile, consumers }: DevHome): string {
  if (consumers === null || !problem.startsWith(configFile)) return problem;
  return problem.slice(configFile.length).replace(/^:\d+:\d+ (gateway\.use\.0\.?)?/, "");
}
