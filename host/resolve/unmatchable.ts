import { configLimits } from "#config/limits.ts";
import type { ConfigPath, ConfigProblem, GatewayConfig } from "#config/schema.ts";
import { configuredSegments } from "./request-path.ts";

/** Conditions of routes that no request could meet, and the route with which the route table is full. */
export function findUnmatchable(routes: GatewayConfig["routes"]): ConfigProblem[] {
  const named = Object.entries(routes).map(([name, { match }]) => ({ name, match }));
  const problems = named.flatMap(({ name, match }) => [
    ...unmatchablePaths(match.paths, ["routes", name, "match", "paths"]),
    ...unmatchableHosts(name, match.hosts ?? []),
    ...unmatchableHeaders(match.headers ?? {}, ["routes", name, "match", "headers"]),
  ]);

  let entries = 0;
  const last = named.find(({ match }) => {
    entries += match.paths.length * (match.hosts?.length ?? 1) * (match.models?.length ?? 1);
    return entries > configLimits.routeTableEntries;
  });
  if (last === undefined) return problems;
  const message = `with this route there are more than ${configLimits.routeTableEntries} combinations of paths, hosts and models: use prefixes, or fewer of them`;
  return [{ path: ["routes", last.name, "match"], message }, ...problems];
}

export function unmatchablePaths(paths: readonly string[], at: ConfigPath): ConfigProblem[] {
  const message =
    "never matches: a path has no empty segments, no `.` or `..`, no query, no backslash, and encodes only what must be encoded";
  return paths.flatMap((path, index) =>
    configuredSegments(path) === null ? [{ path: [...at, index], message }] : [],
  );
}

function unmatchableHosts(route: string, hosts: readonly string[]): ConfigProblem[] {
  const message =
    "never matches: a host is a whole ASCII name or an address, without port; IPv6 stands in [ ]";
  return hosts.flatMap((host, index) =>
    /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)$/i.test(host)
      ? []
      : [{ path: ["routes", route, "match", "hosts", index], message }],
  );
}

export function unmatchableHeaders(
  headers: Readonly<Record<string, unknown>>,
  at: ConfigPath,
): ConfigProblem[] {
  const seen = new Map<string, string>();
  return Object.keys(headers).flatMap((name) => {
    const path = [...at, name];
    const earlier = seen.get(name.toLowerCase());
    seen.set(name.toLowerCase(), name);
    if (earlier !== undefined)
      return [{ path, message: `the same header as ${earlier}: case does not count` }];
    if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return [];
    return [{ path, message: "never matches: this is no name of a header" }];
  });
}
