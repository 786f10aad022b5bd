import { type ScheduledStep, scheduledServices } from "#host/resolve/scheduled.ts";
import type { Effect } from "#sdk/abi/effects.ts";
import type { Generation } from "./generation.ts";
import { printable } from "./json.ts";
import { StepFailure } from "./pipeline/step-failure.ts";
import type { Upstream } from "./upstream/forward.ts";

/** What a probe has found about the targets of one URL. */
export type Mark = Extract<Effect, { readonly type: "health" }>;

/** Of the services whose targets a binding sees and says the health of. */
export function upstreamsOf(
  { binding }: ScheduledStep,
  { upstreams, config }: Generation,
): readonly Upstream[] {
  return scheduledServices(binding, config).flatMap((service) => upstreams.get(service) ?? []);
}

/** All or none. @throws StepFailure */
export function readMarks(effects: readonly Effect[], upstreams: readonly Upstream[]): readonly Mark[] {
  const marks = effects.flatMap((effect) => (effect.type === "health" ? [effect] : []));
  const known = new Set(upstreams.flatMap((upstream) => upstream.targets().map(({ url }) => url)));
  for (const [index, { url }] of marks.entries()) {
    if (known.has(url)) continue;
    const message = `output/effects/${index} (health): no service of this binding has a target "${printable(url)}"`;
    throw new StepFailure("error", message);
  }
  return marks;
}

export function setMarks(marks: readonly Mark[], upstreams: Iterable<Upstream>): void {
  for (const upstream of upstreams) for (const { url, healthy } of marks) upstream.mark(url, healthy);
}

/**
 * Takes over what probes have found about targets of the same service and URL. Not of a service that nobody probes any more:
 * a target that is said to be unwell is not asked, so nothing would ever find out that it is well.
 */
export function keepHealth(before: Generation, next: Generation): void {
  const probing = next.resolver.scheduled.filter(
    ({ writes, effect }) => writes.has("health") && effect === "enforce",
  );
  for (const upstream of new Set(probing.flatMap((step) => upstreamsOf(step, next)))) {
    const unwell = before.upstreams.get(upstream.name)?.failedProbes() ?? [];
    for (const url of unwell) upstream.mark(url, false);
  }
}
