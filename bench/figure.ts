/** One figure of a bench, as it is printed: a JSON line. */
export type Figure = {
  /** Rounded to four digits. */
  readonly value: number;
  /** What the value comes from: times of both sides, rounds, single modules. */
  readonly details?: Readonly<Record<string, unknown>>;
};

export type FigureDefinition = {
  readonly name: string;
  /** `at most` or `at least` this; absent where a figure is only reported. */
  readonly aim?: { readonly most: number } | { readonly least: number };
  readonly measure: () => Promise<Figure>;
};

/** Measures the figures one after the other and prints each as soon as it is known. */
export async function printFigures(figures: readonly FigureDefinition[]): Promise<void> {
  for (const { name, aim, measure } of figures) {
    const { value, details = {} } = await measure();
    const met = aim === undefined ? {} : { aim, met: "most" in aim ? value <= aim.most : value >= aim.least };
    const rounded = Object.entries(details).map(([key, detail]) => [key, rounding(detail)]);
    process.stdout.write(
      `${JSON.stringify({ figure: name, value: rounding(value), ...met, ...Object.fromEntries(rounded) })}\n`,
    );
  }
}

function rounding(value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(4)) : value;
}
