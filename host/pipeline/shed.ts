import { isOptional, type Step } from "#host/resolve/step.ts";
import type { Pool } from "#host/sandbox/pool.ts";
import type { Exchange } from "../exchange.ts";
import { sheddingLimits } from "../limits.ts";

export type ShedContext = {
  readonly exchange: Pick<Exchange, "pluginMs">;
  /** By `Step.key`. */
  readonly bindings: ReadonlyMap<string, { readonly pool: Pick<Pool, "isCrowded"> }>;
  /** What the request's plugins may make the client wait; absent where nobody waits. */
  readonly budgetMs?: number;
};

/**
 * Why an optional step is left out: the time of its request is spent (`budget`), or the gateway has too much to do (`shed`). Null
 * when it is not.
 */
export function whyShed(step: Step, { exchange, bindings, budgetMs }: ShedContext): "budget" | "shed" | null {
  if (!isOptional(step)) return null;
  if (budgetMs !== undefined && exchange.pluginMs >= budgetMs) return "budget";
  return bindings.get(step.key)?.pool.isCrowded ? "shed" : null;
}

/** The longest that a call of the step may take, beside its own deadline; undefined: as long as that says. */
export function callDeadlineMs(step: Step, { exchange, budgetMs }: ShedContext): number | undefined {
  if (budgetMs === undefined || step.priority === 1) return undefined;
  const leftMs = budgetMs - exchange.pluginMs;
  return isOptional(step) ? leftMs : Math.max(leftMs, sheddingLimits.essentialMs);
}
