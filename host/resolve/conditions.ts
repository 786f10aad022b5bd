import type { RouteConfig } from "#config/schema.ts";

/** What narrows a route beside its path, in the form that requests are compared with; null is "any". */
export type Conditions = {
  readonly route: string;
  /** Lower-case, without port. */
  readonly hosts: readonly string[] | null;
  /** Lower-case names in order, with the exact value. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly methods: ReadonlySet<string> | null;
  readonly models: { readonly exact: readonly string[]; readonly prefixes: readonly string[] } | null;
};

export function readConditions(route: string, match: RouteConfig["match"]): Conditions {
  const headers = Object.entries(match.headers ?? {}).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  );
  const models = [...new Set(match.models ?? [])];
  return {
    route,
    hosts: match.hosts ? [...new Set(match.hosts.map(hostName))] : null,
    headers: headers.sort(([a], [b]) => (a < b ? -1 : 1)),
    methods: match.methods ? new Set(match.methods) : null,
    models: match.models
      ? {
          exact: models.filter((model) => !model.endsWith("*")),
          prefixes: models.filter((model) => model.endsWith("*")).map((model) => model.slice(0, -1)),
        }
      : null,
  };
}

/** A `Host` header as hosts are compared: lower-case, without port and without the root's trailing dot. */
export function hostName(host: string): string {
  const end = host.startsWith("[") ? host.indexOf("]") + 1 : host.indexOf(":");
  return (end > 0 ? host.slice(0, end) : host).toLowerCase().replace(/\.$/, "");
}
