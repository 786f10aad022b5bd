import type { BindingConfig, GatewayConfig } from "#config/schema.ts";
import { type StageHook, stageHooks } from "#sdk/abi/hooks.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";

/** A second reading of the rules, as plainly as they are written and with no care for speed. */
type PlainStep = {
  id: string;
  level: number;
  /** Paths of all bindings that it is made of, and of the most specific. */
  key: string;
  path: string;
  config: unknown;
  priority: number;
  order: number;
  mode: string;
  writes: readonly string[];
  /** Null: all. */
  methods: readonly string[] | null;
};

const levels = ["gateway", "service", "route", "consumer-group", "consumer"];

/** The batches of one stage, steps as `id@level`, with the paths of their bindings and what they write. */
export function plainBatches(
  config: GatewayConfig,
  manifests: ReadonlyMap<string, Manifest>,
  request: { route: string | null; consumer: string | null; hook: StageHook },
): PlainStep[][] {
  const steps = everyId(config).flatMap((id) => {
    const found = mostSpecific(config, id, request);
    if (found === undefined || found.binding.enabled === false) return [];
    const hook = manifests.get(found.binding.plugin)?.hooks[request.hook];
    if (hook === undefined) return [];
    const { binding, level, key, path } = found;
    const priority = binding.priority ?? hook.priority ?? 2;
    // Of an event every step sees what the one before it has left.
    const isAlone = request.hook === "post_request_event";
    const mode = isAlone ? "sequential" : (binding.mode ?? hook.mode ?? "sequential");
    const writes = binding.effect === "observe" ? [] : (hook.writes ?? []);
    const { order = 0, config: own = {}, when: { methods = null } = {} } = binding;
    return [{ id, level, key, path, config: own, priority, order, mode, writes, methods }];
  });
  steps.sort(
    (a, b) => a.priority - b.priority || a.order - b.order || a.level - b.level || (a.id < b.id ? -1 : 1),
  );
  const batches: PlainStep[][] = [];
  for (const [index, step] of steps.entries()) {
    const before = steps[index - 1];
    const together =
      before?.mode === "parallel" && step.mode === "parallel" && before.priority === step.priority;
    if (together) batches.at(-1)?.push(step);
    else batches.push([step]);
  }
  return batches;
}

export function plainName(step: PlainStep): string {
  return `${step.id}@${levels[step.level]}`;
}

/** Pairs of binding paths that write one field in one batch of any plan, each pair in alphabetical order. */
export function plainConflicts(config: GatewayConfig, manifests: ReadonlyMap<string, Manifest>): Set<string> {
  const requests = [null, ...Object.keys(config.routes)].flatMap((route) =>
    (route === null ? [null] : [null, ...Object.keys(config.consumers)]).map((consumer) => ({
      route,
      consumer,
    })),
  );
  const pairs = new Set<string>();
  for (const { route, consumer } of requests) {
    for (const hook of stageHooks) {
      for (const batch of plainBatches(config, manifests, { route, consumer, hook })) {
        for (const a of batch) {
          for (const b of batch) {
            if (a !== b && overlap(a, b) && meet(a, b)) pairs.add([a.path, b.path].sort().join(" "));
          }
        }
      }
    }
  }
  return pairs;
}

function overlap(a: PlainStep, b: PlainStep): boolean {
  return a.writes.some((field) =>
    b.writes.some(
      (other) =>
        !["tags", "respond"].includes(field) &&
        (field === other || field.startsWith(`${other}.`) || other.startsWith(`${field}.`)),
    ),
  );
}

function meet(a: PlainStep, b: PlainStep): boolean {
  return !a.methods || !b.methods || a.methods.some((method) => b.methods?.includes(method));
}

function everyId(config: GatewayConfig): string[] {
  const owners = [config.services, config.routes, config.consumerGroups, config.consumers];
  const uses = [config.gateway, ...owners.flatMap((owner) => Object.values(owner))].map(
    ({ use }) => use ?? [],
  );
  return [...new Set(uses.flat().map((binding) => binding.id ?? binding.plugin))];
}

function mostSpecific(
  config: GatewayConfig,
  id: string,
  { route, consumer }: { route: string | null; consumer: string | null },
): Found | undefined {
  const service = route === null ? undefined : config.routes[route]?.service;
  const groups = consumer === null ? [] : (config.consumers[consumer]?.groups ?? []);
  const isBound = ({ use = [] }: Place) => use.some((binding) => (binding.id ?? binding.plugin) === id);
  const group = groups
    .map((name) => ({ level: 3, key: `consumerGroups.${name}`, use: config.consumerGroups[name]?.use }))
    .find(isBound);
  const places: Place[] = [
    { level: 0, key: "gateway", use: config.gateway.use },
    { level: 1, key: `services.${service}`, use: service === undefined ? [] : config.services[service]?.use },
    { level: 2, key: `routes.${route}`, use: route === null ? [] : config.routes[route]?.use },
    ...(group === undefined ? [] : [group]),
    { level: 4, key: `consumers.${consumer}`, use: consumer === null ? [] : config.consumers[consumer]?.use },
  ];
  let found: Found | undefined;
  for (const { level, key, use = [] } of places) {
    const index = use.findIndex((binding) => (binding.id ?? binding.plugin) === id);
    const binding = use[index];
    if (binding === undefined) continue;
    const own = { binding, level, key: `${key}.use.${index}`, path: `${key}.use.${index}` };
    const merged =
      binding.inherit === "merge" && binding.enabled !== false && found?.binding.enabled !== false;
    found =
      merged && found
        ? { ...own, key: `${found.key}+${own.key}`, binding: mergedOver(found.binding, binding) }
        : own;
  }
  return found;
}

type Place = { level: number; key: string; use: GatewayConfig["gateway"]["use"] };
type Found = { binding: BindingConfig; level: number; key: string; path: string };

/** Member by member, without any care for what the members mean. */
export function mergedOver(general: unknown, specific: unknown): BindingConfig {
  const merged = structuredClone(general) as Record<string, unknown>;
  for (const [name, value] of Object.entries(specific as Record<string, unknown>)) {
    const isMap = (one: unknown) => typeof one === "object" && one !== null && !Array.isArray(one);
    const deep = isMap(value) && isMap(merged[name]) && name !== "when";
    merged[name] = deep ? mergedOver(merged[name], value) : value;
  }
  return merged as BindingConfig;
}
