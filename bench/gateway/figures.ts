import type { FigureDefinition } from "../figure.ts";
import { compare } from "./load.ts";

const gateway = (plugins: number, state: "instance" | "request" = "request") =>
  ({ kind: "gateway", plugins, state }) as const;

/** A gateway against a bare hop of fastify and undici: requests per second on one core. */
export const gatewayFigures: readonly FigureDefinition[] = [
  {
    name: "gateway_vs_hop",
    aim: { least: 0.9 },
    async measure() {
      const { ratios, requestsPerSecond, p99Ms, rounds } = await compare([
        { kind: "hop" },
        gateway(0),
        gateway(1),
        gateway(3),
        gateway(5),
      ]);
      const [, value = Number.NaN, one, three, five] = ratios;
      return {
        value,
        details: { with1: one, with3: three, with5: five, requestsPerSecond, p99Ms, rounds },
      };
    },
  },
];

/** Five plugins in TypeScript that read one header each, against none. */
export const fiveStepFigures: readonly FigureDefinition[] = (
  [
    ["five_step_chain_vs_none", "request", 0.5],
    ["five_step_chain_vs_none_instance", "instance", 0.6],
  ] as const
).map(([name, state, least]) => ({
  name,
  aim: { least },
  async measure() {
    const { ratios, requestsPerSecond, p99Ms, rounds } = await compare([gateway(0), gateway(5, state)]);
    return { value: ratios[1] ?? Number.NaN, details: { requestsPerSecond, p99Ms, rounds } };
  },
}));
