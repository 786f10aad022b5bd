import type { WhenConfig } from "#config/schema.ts";
import { coversPath, readPathPattern } from "./path-pattern.ts";
import { pathSegments } from "./request-path.ts";

/** What a condition looks at: the request as the step would find it. */
export type Facts = {
  readonly requestId: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** `model` of the body. Called at most once, and only by a condition on it when all others hold. */
  readonly model: () => string | undefined;
  readonly consumer: string | null;
  readonly groups: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
};

export type Condition = (facts: Facts) => boolean;

/**
 * Compiles `when` of a binding; null when it asks for nothing.
 * @param id the binding's: two bindings of one sample size take different requests.
 */
export function compileWhen(when: WhenConfig | undefined, id: string): Condition | null {
  const conditions = conditionsOf(when ?? {}, id);
  const [only] = conditions;
  if (only === undefined) return null;
  return conditions.length === 1 ? only : (facts) => conditions.every((holds) => holds(facts));
}

/** The cheap ones first. */
function conditionsOf(when: WhenConfig, id: string): Condition[] {
  const { methods, consumers, groups, sample, tags, headers, paths, models } = when;
  const conditions: Condition[] = [];
  if (methods) {
    const any: ReadonlySet<string> = new Set(methods);
    conditions.push(({ method }) => any.has(method));
  }
  if (consumers) {
    const any = new Set(consumers);
    conditions.push(({ consumer }) => consumer !== null && any.has(consumer));
  }
  if (groups) {
    const any = new Set(groups);
    conditions.push((facts) => facts.groups.some((group) => any.has(group)));
  }
  if (sample !== undefined && sample < 100) {
    const below = (sample / 100) * 2 ** 32;
    conditions.push(({ requestId }) => hash(`${id} ${requestId}`) < below);
  }
  if (tags) conditions.push(valuesIn(tags, (facts) => facts.tags));
  if (headers) conditions.push(valuesIn(lowerCase(headers), (facts) => facts.headers));
  if (paths) conditions.push(pathIn(paths));
  if (models) conditions.push(({ model }) => matchesModel(models, model()));
  return conditions;
}

type Values = Readonly<Record<string, string | readonly string[]>>;

function valuesIn(wanted: Values, of: (facts: Facts) => Readonly<Record<string, string>>): Condition {
  const entries = Object.entries(wanted).map(([name, any]) => [name, new Set([any].flat())] as const);
  return (facts) => {
    const found = of(facts);
    return entries.every(([name, any]) => Object.hasOwn(found, name) && any.has(found[name] ?? ""));
  };
}

function lowerCase(headers: Values): Values {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function pathIn(paths: readonly string[]): Condition {
  const patterns = paths.map(readPathPattern).filter((pattern) => pattern !== null);
  return ({ path }) => {
    const segments = pathSegments(path);
    return segments !== null && patterns.some((pattern) => coversPath(pattern, segments));
  };
}

/** Whether one of these, exact or with a trailing `*`, is the model. */
function matchesModel(models: readonly string[], model: string | undefined): boolean {
  if (model === undefined) return false;
  return models.some((one) => (one.endsWith("*") ? model.startsWith(one.slice(0, -1)) : model === one));
}

/** 32 bits, evenly spread: FNV-1a, with the last step of MurmurHash3, without which the high bits of short texts are alike. */
function hash(text: string): number {
  let bits = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    bits = Math.imul(bits ^ text.charCodeAt(index), 0x01000193);
  }
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
