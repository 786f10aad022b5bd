import { valueAt } from "#config/issue.ts";
import { printPath } from "#config/problem.ts";
import type { BindingConfig, ConfigPath, GatewayConfig } from "#config/schema.ts";
import type { ConfigSource } from "#config/source.ts";
import type { Json } from "#sdk/abi/from-schema.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";
import type { Binding, Level, Source } from "./binding.ts";
import { checkConfig } from "./check-config.ts";
import {
  type BindingPlace,
  bindingPlaceOf,
  type From,
  placeOf,
  type Said,
  saidOf,
  secret,
  shown,
} from "./explain-value.ts";
import { isObject } from "./merge.ts";
import { isWriteOnly } from "./write-only.ts";

/** A binding of a plan: what is in force, where it comes from, what it took the place of. */
export type ExplainedBinding = {
  /** As steps name it. */
  readonly key: string;
  readonly id: string;
  readonly plugin: string;
  readonly version: string;
  readonly level: Level;
  readonly owner: string | null;
  /** Whose quota it uses; null: the operator's. */
  readonly tenant: string | null;
  /** Where it is written, the most general first; more than one when it is merged. */
  readonly written: readonly BindingPlace[];
  /** Bindings of the same id that count for nothing here, the most general first. */
  readonly replaces: readonly BindingPlace[];
  /** The place that forbids a change further down. */
  readonly lockedAt: BindingPlace | null;
  readonly order: Said;
  readonly onFailure: Said;
  readonly effect: Said;
  readonly state: Said;
  /** Null: it runs for every request. */
  readonly when: Said | null;
  readonly limits: { readonly fuel: Said; readonly memoryMb: Said; readonly deadlineMs: Said };
  readonly grants: Readonly<Record<string, Said>>;
  /** Every value of its config, lists as a whole, with the defaults of the plugin's schema. */
  readonly config: readonly (Said & { readonly member: ConfigPath })[];
};

export type CallLimits = { readonly fuel: number; readonly memoryMb: number; readonly deadlineMs: number };

export type BindingContext = {
  readonly config: GatewayConfig;
  readonly source: ConfigSource;
  readonly manifest: Manifest;
  /** The gateway's own, where the config says nothing. */
  readonly callLimits: CallLimits;
  /** Every binding of this id that the plan could have, the most general first. */
  readonly candidates: readonly Binding[];
};

export function explainBinding(binding: Binding, context: BindingContext): ExplainedBinding {
  const { source, manifest, candidates } = context;
  const { key, id, plugin, level, owner, tenant, sources } = binding;
  const used = new Set(sources.map(({ path }) => printPath(path)));
  const place = (one: Source) => bindingPlaceOf(source, one);
  const locked = sources.find(({ declared }) => declared.lock);
  const said = (member: keyof BindingConfig, ...otherwise: [Json | undefined, Json]) =>
    saidOf(binding, [member], { source, otherwise: manifestOr(...otherwise) });
  return {
    key,
    id,
    plugin,
    version: manifest.version,
    level,
    owner,
    tenant,
    written: sources.map(place),
    replaces: candidates.filter((one) => !used.has(one.key)).map((one) => bindingPlaceOf(source, one)),
    lockedAt: locked === undefined ? null : place(locked),
    order: said("order", undefined, 0),
    onFailure: said("onFailure", manifest.failure, "closed"),
    effect: said("effect", undefined, "enforce"),
    state: said("state", manifest.state, "request"),
    when: binding.declared.when === undefined ? null : said("when", undefined, {}),
    limits: explainLimits(binding, context),
    grants: Object.fromEntries(
      Object.keys(binding.grants).map((name) => [
        name,
        saidOf(binding, ["grants", name], { source, otherwise: manifestOr(undefined, null) }),
      ]),
    ),
    config: explainConfig(binding, context),
  };
}

/** What is in force where no binding says anything: the manifest's word, or the gateway's. */
export function manifestOr(declared: Json | undefined, fallback: Json): { value: Json; from: From } {
  return declared === undefined
    ? { value: fallback, from: { kind: "default" } }
    : { value: declared, from: { kind: "manifest" } };
}

function explainLimits(
  binding: Binding,
  { config, source, callLimits }: BindingContext,
): ExplainedBinding["limits"] {
  const limit = (name: keyof CallLimits): Said => {
    const operator = config.limits.plugins[name];
    const otherwise =
      operator === undefined
        ? { value: callLimits[name], from: { kind: "default" as const } }
        : {
            value: operator,
            from: { kind: "operator" as const, ...placeOf(source, ["limits", "plugins", name]) },
          };
    return saidOf(binding, ["limits", name], { source, otherwise });
  };
  return { fuel: limit("fuel"), memoryMb: limit("memoryMb"), deadlineMs: limit("deadlineMs") };
}

function explainConfig(binding: Binding, { source, manifest }: BindingContext): ExplainedBinding["config"] {
  const checked = checkConfig(binding, manifest, source);
  const config = checked.ok ? checked.config : binding.config;
  return leavesOf(config).map((member) => {
    const isSecret = (inner: ConfigPath) => isWriteOnly(manifest.configSchema ?? {}, [...member, ...inner]);
    const value = valueAt(config, member) as Json;
    const path = [...binding.path, "config", ...member];
    const otherwise = {
      value: isSecret([]) ? secret : shown(value, { source, path, isSecret }),
      from: { kind: "schema" as const },
    };
    return { member, ...saidOf(binding, ["config", ...member], { source, otherwise, isSecret }) };
  });
}

/** The members of a config that hold no further ones. */
function leavesOf(value: unknown, path: ConfigPath = []): ConfigPath[] {
  const entries = isObject(value) ? Object.entries(value) : [];
  if (entries.length === 0) return path.length === 0 ? [] : [path];
  return entries.flatMap(([name, inner]) => leavesOf(inner, [...path, name]));
}
