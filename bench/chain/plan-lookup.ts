import { configSchema } from "#config/schema.ts";
import { createResolver, type Resolver } from "#host/resolve/plan.ts";
import type { FigureDefinition } from "../figure.ts";
import { interleave } from "../interleaved.ts";

/** Finding the route and its plan, among ten routes and among ten thousand. */
export const planLookupFigure: FigureDefinition = {
  name: "plan_lookup_10_vs_10000_routes",
  aim: { most: 1.2 },
  async measure() {
    const { ratio, aUs, bUs, rounds } = await interleave(lookUps(10_000), lookUps(10));
    return { value: ratio, details: { with10000Us: aUs, with10Us: bUs, rounds } };
  },
};

/** Ten routes are asked for, whatever their number: other plans are as cold as in a gateway. */
function lookUps(count: number): (times: number) => void {
  const resolver = resolverOf(count);
  const paths = Array.from(
    { length: 10 },
    (_, index) => `/team-${Math.floor((index * count) / 10)}/v1/chat/completions`,
  );
  let next = 0;
  return (times) => {
    for (let index = 0; index < times; index += 1) {
      const path = paths[next] ?? "";
      next = (next + 1) % paths.length;
      const match = resolver.match({
        method: "POST",
        path,
        host: "localhost",
        headers: {},
        model: () => undefined,
      });
      if (match.kind !== "route") throw new Error(`no route for ${path}`);
      resolver.plan(match.route, null);
    }
  };
}

function resolverOf(count: number): Resolver {
  const routes = Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `team-${index}`,
      { match: { paths: [`/team-${index}/*`] }, service: "mock" },
    ]),
  );
  const config = configSchema.parse({ services: { mock: { provider: "mock" } }, routes });
  const made = createResolver(config, new Map());
  if ("problems" in made) throw new Error(JSON.stringify(made.problems));
  return made.resolver;
}
