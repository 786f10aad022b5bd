import type { BindingConfig } from "#config/schema.ts";
import type { Json } from "#sdk/abi/from-schema.ts";
import { type Binding, createBinding } from "./binding.ts";

/** What is in force when the second lies over the first, which may not be there. */
export type LayOver = (general: Binding | undefined, specific: Binding) => Binding;

/** Whether it takes from a more general binding what it does not say itself. */
export function merges({ enabled, declared }: Binding): boolean {
  return enabled && declared.inherit === "merge";
}

/**
 * One binding over another: the more specific one whole, or merged when it says so. A disabled binding has
 * nothing to give. Remembers what it merged, so that one chain of bindings is one object, wherever it is in force.
 */
export function createLayOver(): LayOver {
  const known = new WeakMap<Binding, WeakMap<Binding, Binding>>();
  return (general, specific) => {
    // Two plugins under one id is a problem of the config, and reported there.
    if (!general?.enabled || !merges(specific) || general.plugin !== specific.plugin) return specific;
    const over = known.get(general) ?? new WeakMap<Binding, Binding>();
    known.set(general, over);
    const merged = over.get(specific) ?? mergeBindings(general, specific);
    over.set(specific, merged);
    return merged;
  };
}

function mergeBindings(general: Binding, specific: Binding): Binding {
  const from = general.declared;
  const to = specific.declared;
  const declared: BindingConfig = { ...from, ...to, id: specific.id, plugin: specific.plugin };
  for (const member of ["config", "limits", "grants"] as const) {
    if (from[member] !== undefined && to[member] !== undefined) {
      Object.assign(declared, { [member]: mergeJson(from[member], to[member]) });
    }
  }
  return createBinding(declared, [...general.sources, ...specific.sources]);
}

type JsonObject = Readonly<Record<string, Json>>;

/** Objects member by member, however deep; lists, scalars and null are replaced. */
export function mergeJson(general: Json, specific: Json): Json {
  if (!isObject(general) || !isObject(specific)) return specific;
  const members = Object.entries(specific).map(([name, value]): [string, Json] => {
    const below = Object.hasOwn(general, name) ? general[name] : undefined;
    return [name, below === undefined ? value : mergeJson(below, value)];
  });
  return { ...general, ...Object.fromEntries(members) };
}

/** What merging goes into. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
