import type { Effect } from "#sdk/abi/effects.ts";
import { printable } from "../json.ts";

/** What an effect would do, by type and name: `set-header response x-a`, `event drop`. No value, which may be a credential. */
export function effectName(effect: Effect): string {
  switch (effect.type) {
    case "set-header":
    case "remove-header":
      return `${effect.type} ${effect.on} ${printable(effect.name.toLowerCase())}`;
    case "replace-body":
    case "patch-body":
      return `${effect.type} ${effect.on}`;
    case "set-query":
    case "remove-query":
    case "tag":
      return `${effect.type} ${printable(effect.name)}`;
    case "event":
      return effectKind(effect);
    default:
      return effect.type;
  }
}

/** The same without names, of which there can be any number. */
export function effectKind(effect: Effect): string {
  return effect.type === "event" ? `event ${effect.action}` : effect.type;
}

/** How many effects there are of each kind. */
export function countKinds(effects: readonly Effect[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const effect of effects) {
    const kind = effectKind(effect);
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
