import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import { median } from "../interleaved.ts";
import type { Served } from "./server.ts";

const serverFile = fileURLToPath(new URL("server.ts", import.meta.url));

const answer = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "gpt-4o-mini",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello there." }, finish_reason: "stop" }],
  usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
});
const request = JSON.stringify({
  model: "gpt-4o-mini",
  messages: [{ role: "user", content: "Say hello to everybody who is here. ".repeat(20) }],
});

/** What is compared, without the upstream that all of it has. */
export type Side = { readonly kind: "hop" } | Omit<Extract<Served, { kind: "gateway" }>, "upstream">;

export type Comparison = {
  /** Of each side: median over the rounds of its requests per second by those of the first side. */
  readonly ratios: readonly number[];
  readonly requestsPerSecond: readonly number[];
  readonly p99Ms: readonly number[];
  readonly rounds: number;
};

const rounds = 15;
const roundSeconds = 1;

/**
 * Loads servers one after the other, round by round, the order turned each time. Each is a process on the first core;
 * load and upstream are this one, which the caller has put on another (`taskset -c 1`).
 */
export async function compare(sides: readonly Side[]): Promise<Comparison> {
  const upstream = await startUpstream();
  const { port: upstreamPort } = upstream.address() as AddressInfo;
  const children = sides.map((side) =>
    startServer({ ...side, upstream: `http://127.0.0.1:${upstreamPort}` }),
  );
  try {
    const ports = await Promise.all(children.map(({ port }) => port));
    for (const port of ports) await load(port, 2);
    const results = sides.map(() => [] as { perSecond: number; p99: number }[]);
    for (let round = 0; round < rounds; round += 1) {
      for (let turn = 0; turn < sides.length; turn += 1) {
        const side = (turn + round) % sides.length;
        results[side]?.push(await load(ports[side] ?? 0, roundSeconds));
      }
    }
    const [first = []] = results;
    return {
      ratios: results.map((one) =>
        median(one.map(({ perSecond }, round) => perSecond / (first[round]?.perSecond ?? 1))),
      ),
      requestsPerSecond: results.map((one) => median(one.map(({ perSecond }) => perSecond))),
      p99Ms: results.map((one) => median(one.map(({ p99 }) => p99))),
      rounds,
    };
  } finally {
    for (const { kill } of children) kill();
    upstream.closeAllConnections();
    upstream.close();
  }
}

async function load(port: number, duration: number): Promise<{ perSecond: number; p99: number }> {
  const { requests, latency, non2xx, errors } = await autocannon({
    url: `http://127.0.0.1:${port}/v1/chat/completions`,
    method: "POST",
    connections: 32,
    duration,
    headers: { "content-type": "application/json", "x-team": "search" },
    body: request,
  });
  if (non2xx + errors > 0) throw new Error(`${non2xx} answers were no success, ${errors} requests failed`);
  return { perSecond: requests.average, p99: latency.p99 };
}

async function startUpstream(): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    incoming.resume().on("end", () => {
      outgoing.writeHead(200, { "content-type": "application/json", "content-length": answer.length });
      outgoing.end(answer);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function startServer(served: Served): { readonly port: Promise<number>; kill(): void } {
  const flags = ["--disable-warning=ExperimentalWarning"];
  const child = fork(serverFile, [JSON.stringify(served)], {
    // A wrapper around Node, because a process can only be put on a core from outside.
    execPath: "/usr/bin/taskset",
    execArgv: ["-c", "0", process.execPath, ...flags],
  });
  const port = once(child, "message").then(([message]) => (message as { port: number }).port);
  return { port, kill: () => void child.kill("SIGKILL") };
}
