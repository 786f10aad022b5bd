import { printPath } from "./problem.ts";
import type { ConfigPath, ConfigProblem, GatewayConfig, RouteConfig } from "./schema.ts";
import { suggest } from "./suggest.ts";

/** What is wrong between the parts of a config, as far as the config alone can tell. Values are never shown. */
export function findReferenceProblems(config: GatewayConfig): ConfigProblem[] {
  return [
    ...missingServices(config),
    ...missingGroups(config),
    ...missingTenants(config),
    ...missingSecrets(config),
    ...missingInConditions(config),
    ...repeatedKeys(config),
    ...repeatedMatches(config),
    ...repeatedBindings(config),
  ];
}

function missingServices(config: GatewayConfig): ConfigProblem[] {
  return Object.entries(config.routes).flatMap(([name, { service }]) =>
    unknownName("service", { path: ["routes", name, "service"], given: service, known: config.services }),
  );
}

function missingGroups(config: GatewayConfig): ConfigProblem[] {
  return Object.entries(config.consumers).flatMap(([name, { groups = [] }]) =>
    groups.flatMap((given, index) => {
      const path = ["consumers", name, "groups", index];
      return unknownName("consumer group", { path, given, known: config.consumerGroups });
    }),
  );
}

function missingTenants(config: GatewayConfig): ConfigProblem[] {
  return ownersOf(config).flatMap(({ path, tenant }) =>
    tenant === undefined
      ? []
      : unknownName("tenant", { path: [...path, "tenant"], given: tenant, known: config.tenants }),
  );
}

function missingSecrets(config: GatewayConfig): ConfigProblem[] {
  return ownersOf(config).flatMap(({ path, use = [] }) =>
    use.flatMap(({ grants }, binding) =>
      (grants?.secrets ?? []).flatMap((given, index) => {
        const at = [...path, "use", binding, "grants", "secrets", index];
        return unknownName("secret", { path: at, given, known: config.secrets });
      }),
    ),
  );
}

/** Consumers and groups that a binding's `when` names. */
function missingInConditions(config: GatewayConfig): ConfigProblem[] {
  const kinds = [
    { member: "consumers", kind: "consumer", known: config.consumers },
    { member: "groups", kind: "consumer group", known: config.consumerGroups },
  ] as const;
  return ownersOf(config).flatMap(({ path, use = [] }) =>
    use.flatMap(({ when }, binding) =>
      kinds.flatMap(({ member, kind, known }) =>
        (when?.[member] ?? []).flatMap((given, index) => {
          const at = [...path, "use", binding, "when", member, index];
          return unknownName(kind, { path: at, given, known });
        }),
      ),
    ),
  );
}

type Named = {
  readonly path: ConfigPath;
  readonly given: string;
  readonly known: Readonly<Record<string, unknown>>;
};

function unknownName(kind: string, { path, given, known }: Named): ConfigProblem[] {
  if (Object.hasOwn(known, given)) return [];
  const message = `there is no ${kind} "${given}"`;
  const hint = suggest(given, Object.keys(known));
  return [hint === undefined ? { path, message } : { path, message, hint }];
}

type Owner = {
  readonly path: ConfigPath;
  readonly use?: GatewayConfig["gateway"]["use"];
  readonly tenant?: string;
};

/** Everything that has bindings. */
function ownersOf(config: GatewayConfig): Owner[] {
  const sections = ["services", "routes", "consumerGroups", "consumers"] as const;
  const named = sections.flatMap((section) =>
    Object.entries<Omit<Owner, "path">>(config[section]).map(([name, owner]) => ({
      ...owner,
      path: [section, name],
    })),
  );
  return [{ ...config.gateway, path: ["gateway"] }, ...named];
}

/** A key that two consumers share says nothing about who is calling. */
function repeatedKeys(config: GatewayConfig): ConfigProblem[] {
  return repetitions(
    Object.entries(config.consumers).flatMap(([name, { keys = [] }]) =>
      keys.map((key, index) => ({ path: ["consumers", name, "keys", index], value: key })),
    ),
    (first) => `the same key as ${printPath(first)}`,
  );
}

/** Of two routes with one path and the same conditions, the second could never match. */
function repeatedMatches(config: GatewayConfig): ConfigProblem[] {
  return repetitions(
    Object.entries(config.routes).flatMap(([name, { match }]) => {
      const conditions = conditionsOf(match);
      return match.paths.map((path, index) => ({
        path: ["routes", name, "match", "paths", index],
        value: JSON.stringify([path, conditions]),
      }));
    }),
    (first) => `never matches: ${printPath(first)} is the same path with the same conditions`,
  );
}

function conditionsOf(match: RouteConfig["match"]): unknown[] {
  const lower = (text: string) => text.toLowerCase();
  const headers = Object.entries(match.headers ?? {}).map(([name, value]) => [lower(name), value]);
  return [
    [...new Set(match.methods ?? [])].sort(),
    [...new Set((match.hosts ?? []).map(lower))].sort(),
    [...new Set(match.models ?? [])].sort(),
    headers.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1)),
  ];
}

/** Bindings with one id on two levels are one by inheritance; on one level they are a mistake. */
function repeatedBindings(config: GatewayConfig): ConfigProblem[] {
  return ownersOf(config).flatMap(({ path, use = [] }) =>
    repetitions(
      use.map((binding, index) => ({ path: [...path, "use", index], value: binding.id ?? binding.plugin })),
      (first) => `the same id as ${printPath(first)}: give one of them an \`id\` of its own`,
    ),
  );
}

function repetitions(
  entries: readonly { path: ConfigPath; value: string }[],
  message: (first: ConfigPath) => string,
): ConfigProblem[] {
  const first = new Map<string, ConfigPath>();
  return entries.flatMap(({ path, value }) => {
    const earlier = first.get(value);
    if (earlier === undefined) first.set(value, path);
    return earlier === undefined ? [] : [{ path, message: message(earlier) }];
  });
}
