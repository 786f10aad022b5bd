import type { AddressInfo } from "node:net";
import { createAdminServer, jsonPage } from "./admin/admin.ts";
import type { OnRefused } from "./connections.ts";
import { GatewayError } from "./errors.ts";
import { createGateway, type Gateway } from "./gateway.ts";
import { handle, type Observer } from "./handle.ts";
import type { Incoming } from "./incoming.ts";
import { requestLimits } from "./limits.ts";
import { createLog, type Log, logAttempt, logFailure, logSkip, logStep } from "./observe/log.ts";
import { createMetrics, type Metrics } from "./observe/metrics.ts";
import { bodyLimit, createServer, type ServerOptions } from "./server.ts";

export type StartOptions = {
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: JSON lines to stdout. */
  readonly log?: Log;
  /** Who is told besides log and metrics. */
  readonly observer?: Observer & {
    /** A request before anything is done with it; what is returned takes its place. */
    incoming(incoming: Incoming): Incoming;
  };
};

/** A gateway that serves. */
export type Running = {
  /** Where it listens: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Where its admin port listens; null without one. */
  readonly adminUrl: string | null;
  readonly gateway: Gateway;
  /** Takes no more connections, lets running requests end, closes everything. Once, however often it is called. */
  stop(): Promise<void>;
};

/**
 * Starts gateway and server.
 * @throws {ConfigRefused} with every problem of the config; what `listen` throws when the address is taken.
 */
export async function start(options: StartOptions): Promise<Running> {
  const metrics = createMetrics();
  const log = options.log ?? createLog("info");
  const gateway = await createGateway({
    ...options,
    log,
    onReload: metrics.reload,
    metrics: metrics.plugins,
    scheduled: {
      run: (report) => {
        metrics.step(report);
        logStep(log, report);
      },
      skip: (skip) => {
        metrics.skip(skip);
        logSkip(log, skip);
      },
    },
  });
  const { admin, listen, limits, log: logging } = gateway.current.config;
  log.level = logging.level;
  const observer = observerOf(log, { metrics, observer: options.observer });
  let stopping: Promise<void> | null = null;

  const pages = pagesOf(gateway, { metrics, isStopping: () => stopping !== null });
  const onRefused: OnRefused = (id, error) =>
    logFailure(log, { id, route: null, service: null, consumer: null }, error);
  const onFault = (fault: unknown) => log.error({ err: fault }, "a fault of the gateway");
  const adminServer =
    admin === undefined ? null : createAdminServer({ admin, gateway, pages, limits, onRefused, onFault });
  const server = createServer({
    limits,
    bodyBytes: () => bodyLimit(gateway.current.config.limits),
    handle: async (arrived) => {
      const incoming = options.observer?.incoming(arrived) ?? arrived;
      const generation = gateway.current;
      const leave = generation.enter();
      try {
        const answer = await handle(generation, stopping !== null ? tooLate(incoming) : incoming, observer);
        return { ...answer, finish: (complete) => answer.finish(complete).finally(leave) };
      } catch (fault) {
        leave();
        throw fault;
      }
    },
    pages,
    onRefused,
    onFault,
  });
  let adminUrl: string | null = null;
  try {
    adminUrl = (await adminServer?.listen()) ?? null;
    await server.listen({ host: listen.host, port: listen.port });
  } catch (thrown) {
    await adminServer?.close();
    await gateway.close();
    throw thrown;
  }
  const { port } = server.server.address() as AddressInfo;
  const host = listen.host.includes(":") ? `[${listen.host}]` : listen.host;

  return {
    url: `http://${host}:${port}`,
    adminUrl,
    gateway,
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };

  async function stop(): Promise<void> {
    const timer = setTimeout(() => server.server.closeAllConnections(), requestLimits.stopGraceMs);
    await server.close();
    clearTimeout(timer);
    await adminServer?.close();
    await gateway.close();
  }
}

/** A request that came on a connection which an answer still holds open. */
function tooLate(incoming: Incoming): Incoming {
  return {
    ...incoming,
    readBody: async () => {
      throw new GatewayError("shutting_down", "The gateway is stopping; send the request again.");
    },
  };
}

type Observed = { readonly metrics: Metrics; readonly observer: Observer | undefined };

function observerOf(log: Log, { metrics, observer }: Observed): Observer {
  return {
    step: (report) => {
      metrics.step(report);
      logStep(log, report);
      observer?.step(report);
    },
    skip: (skip) => {
      metrics.skip(skip);
      logSkip(log, skip);
      observer?.skip(skip);
    },
    attempt: (report) => {
      metrics.attempt(report);
      logAttempt(log, report);
      observer?.attempt(report);
    },
    failure: (exchange, error) => {
      logFailure(log, exchange, error);
      observer?.failure(exchange, error);
    },
    end: (exchange, status) => {
      metrics.request(exchange, status);
      observer?.end(exchange, status);
    },
  };
}

function pagesOf(
  gateway: Gateway,
  { metrics, isStopping }: { readonly metrics: Metrics; readonly isStopping: () => boolean },
): ServerOptions["pages"] {
  return {
    "/healthz": () => jsonPage(200, { status: "ok" }),
    "/readyz": () => {
      const status = isStopping() ? "stopping" : "ready";
      const { refusals, current } = gateway;
      const page = { status, refused: refusals, quarantined: current.quarantined() };
      return jsonPage(isStopping() ? 503 : 200, page);
    },
    "/metrics": async () => {
      const { contentType, text } = await metrics.render(gateway.current);
      return { status: 200, contentType, body: text };
    },
  };
}
