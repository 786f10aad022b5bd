import type { Exchange } from "../../host/exchange.ts";
import type { TargetInfo } from "../../host/upstream/targets.ts";

/**
 * What a test's exchange says of upstreams: every service and target may be asked, and where a request has failed there is always another
 * attempt left. What the gateway allows is its config's business, not the plugin's.
 */
export function otherUpstreams(
  hasFailed: boolean,
  targets: readonly TargetInfo[],
): Pick<Exchange, "budget" | "reach" | "service"> {
  const every = Object.assign(new Set<string>(), { has: () => true });
  return {
    // Targets are those of a service.
    service: targets.length > 0 ? "service" : null,
    budget: hasFailed ? { left: 1, untilMs: Number.POSITIVE_INFINITY, retryAfterMs: 0 } : null,
    reach: { services: () => every, targets: () => targets },
  };
}
