import { Pool } from "undici";
import { durationMs, type ServiceConfig, type TargetConfig } from "#config/schema.ts";
import { requestLimits, upstreamLimits } from "#host/limits.ts";

type Timeouts = Extract<ServiceConfig, { provider: "openai" }>["timeouts"];

/** One endpoint of a service, with its connections. */
export type Target = {
  /** As the config has it. */
  readonly url: string;
  readonly weight: number;
  readonly pool: Pool;
  readonly pathOf: (path: string, query: string) => string;
  /** Null when the upstream wants none. */
  readonly key: string | null;
};

export function createTarget(config: TargetConfig, timeouts: Timeouts): Target {
  const base = new URL(config.url);
  const connectTimeout = timeoutMs(timeouts?.connect, upstreamLimits.connectTimeoutMs);
  const pool = new Pool(base.origin, {
    connections: upstreamLimits.connectionsPerTarget,
    connect: { timeout: connectTimeout },
    headersTimeout: timeoutMs(timeouts?.headers, upstreamLimits.headersTimeoutMs),
    bodyTimeout: timeoutMs(timeouts?.body, upstreamLimits.bodyTimeoutMs),
    maxHeaderSize: requestLimits.headerBytes,
    // One exchange per connection: an abort or a reset then hits no other request.
    allowH2: false,
    pipelining: 1,
  });
  const basePath = base.pathname.replace(/\/+$/, "");
  return {
    url: config.url,
    weight: config.weight ?? 1,
    pool,
    pathOf: (path, query) => joinPath(basePath, path) + query,
    key: config.key ?? null,
  };
}

/** Bases carry their version (`https://api.openai.com/v1`); a client's path may carry it once more. */
function joinPath(basePath: string, path: string): string {
  const versioned = basePath.endsWith("/v1") && (path === "/v1" || path.startsWith("/v1/"));
  return basePath + (versioned ? path.slice("/v1".length) : path) || "/";
}

/** undici reads 0 as "no limit"; who writes `0s` means "at once". */
function timeoutMs(configured: string | undefined, byDefault: number): number {
  return configured === undefined ? byDefault : Math.max(1, durationMs(configured));
}
