import type { TestGateway } from "#test/harness.ts";

/** A line of `/metrics`: `sandgate_requests_total{route="chat",status="200"} 3`. */
export type Sample = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};

/** What `/metrics` shows of the gateway itself, as Prometheus would read it. */
export async function scrape(gateway: TestGateway): Promise<readonly Sample[]> {
  const answer = await gateway.fetch("/metrics");
  const lines = (await answer.text()).split("\n").filter((line) => line.startsWith("sandgate_"));
  return lines.map((line) => {
    const [, name = "", labels = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
    return {
      name,
      labels: Object.fromEntries(pairs.map(([, key, text]) => [key, text])),
      value: Number(value),
    };
  });
}

/** The sum over the samples of this name that have these labels. */
export function total(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const fitting = samples.filter(
    (one) => one.name === name && Object.entries(labels).every(([key, text]) => one.labels[key] === text),
  );
  return fitting.reduce((sum, { value }) => sum + value, 0);
}
