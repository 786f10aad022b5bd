import type { AddressInfo } from "node:net";
import type { GatewayConfig } from "#config/schema.ts";
import type { Gateway } from "../gateway.ts";
import { manifestsOf } from "../generation.ts";
import { callLimits, moduleLimits, pagesPerMb, scheduleLimits } from "../limits.ts";
import { explain } from "../resolve/explain.ts";
import { isSameSecret } from "../same-secret.ts";
import { createPageServer, type Page, type PageServerOptions } from "../server.ts";

/** The server of the admin port, not listening yet. */
export type AdminServer = {
  /** @returns its URL. @throws what `listen` throws when the address is taken. */
  listen(): Promise<string>;
  close(): Promise<void>;
};

export type AdminOptions = Pick<PageServerOptions, "limits" | "onRefused" | "onFault"> & {
  readonly admin: NonNullable<GatewayConfig["admin"]>;
  readonly gateway: Pick<Gateway, "current" | "files" | "refusals" | "nextRun">;
  /** The gateway's own pages, which it has too. */
  readonly pages: PageServerOptions["pages"];
};

export function createAdminServer({ admin, gateway, pages, ...options }: AdminOptions): AdminServer {
  const { host, port, token } = admin;
  const server = createPageServer({
    ...options,
    pages: {
      ...pages,
      "/plugins": () => pluginsPage(gateway),
      "/explain": (query) => explainPage(gateway, query),
    },
    notFound: problemPage(404, "There is no such page: /explain, /plugins, /healthz, /readyz, /metrics."),
    refuse: ({ authorization = "", host: asked = "" }) =>
      token === undefined ? refuseName(asked) : refuseWithout(token, authorization),
  });
  return {
    async listen() {
      await server.listen({ host, port });
      const { port: bound } = server.server.address() as AddressInfo;
      return `http://${host.includes(":") ? `[${host}]` : host}:${bound}`;
    },
    async close() {
      // Its answers are short; a client that does not take one holds nothing up.
      setImmediate(() => server.server.closeAllConnections());
      await server.close();
    },
  };
}

export function jsonPage(status: number, value: object): Page {
  return {
    status,
    contentType: "application/json; charset=utf-8",
    body: `${JSON.stringify(value)}\n`,
  };
}

function problemPage(status: number, message: string): Page {
  return jsonPage(status, { error: { message } });
}

function refuseWithout(token: string, authorization: string): Page | null {
  const [, given = ""] = /^bearer +(\S+)$/i.exec(authorization) ?? [];
  return isSameSecret(given, token)
    ? null
    : problemPage(401, "Send admin.token of the config as authorization: Bearer.");
}

/** A page of the web whose name leads to this machine is no reader (DNS rebinding); an address leads nowhere else. */
const ownName = /^(localhost|\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:]+\])(:\d+)?$/i;

function refuseName(host: string): Page | null {
  return ownName.test(host)
    ? null
    : problemPage(403, "Without admin.token, ask for localhost or for the address.");
}

/** As `sandgate explain --json`, with when what is scheduled runs next and what is cut off at the moment. */
function explainPage({ current, files, nextRun }: AdminOptions["gateway"], query: URLSearchParams): Page {
  const { config, source } = files.accepted;
  const route = query.get("route");
  const consumer = query.get("consumer");
  if (route === null || !Object.hasOwn(config.routes, route)) {
    const names = Object.keys(config.routes).slice(0, shownNames).join(", ");
    return problemPage(404, `Give a route of the config as ?route=: ${names}.`);
  }
  if (consumer !== null && !Object.hasOwn(config.consumers, consumer)) {
    return problemPage(404, "There is no such consumer in the config.");
  }
  const memoryMb = moduleLimits.memoryPages / pagesPerMb;
  const { fuel, deadlineMs } = callLimits;
  const context = {
    config,
    source,
    resolver: current.resolver,
    manifests: manifestsOf(files.plugins.plugins),
    callLimits: { fuel, deadlineMs, memoryMb },
    schedules: { ...scheduleLimits, next: nextRun },
  };
  const explanation = explain(context, { route, consumer });
  const keys = new Set(explanation.bindings.map(({ key }) => key));
  const quarantined = current.quarantined().filter(({ binding }) => keys.has(binding));
  return jsonPage(200, { ...explanation, quarantined });
}

/** Of a config with thousands. */
const shownNames = 100;

function pluginsPage({ current, files, refusals }: AdminOptions["gateway"]): Page {
  const bindings = Map.groupBy(current.bindings, ([, { plugin }]) => plugin);
  const plugins = Array.from(files.plugins.plugins, ([name, { file, digest, prepared }]) => {
    const { version, description, hooks = {}, capabilities = [] } = prepared.manifest ?? {};
    const keys = (bindings.get(name) ?? []).map(([key]) => key);
    return {
      name,
      version,
      description,
      file,
      digest,
      hooks: Object.keys(hooks),
      capabilities,
      bindings: keys,
    };
  });
  return jsonPage(200, { plugins, refused: refusals.plugins, quarantined: current.quarantined() });
}
