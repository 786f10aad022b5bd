import { type FigureDefinition, printFigures } from "./figure.ts";

/** `npm run bench -- SUITE [FIGURE...]`: one JSON line per figure. */
const suites: Readonly<Record<string, () => Promise<readonly FigureDefinition[]>>> = {
  sandbox: async () => (await import("./sandbox/figures.ts")).sandboxFigures,
  gateway: async () => (await import("./gateway/figures.ts")).gatewayFigures,
  chain: async () => [
    (await import("./chain/plan-lookup.ts")).planLookupFigure,
    ...(await import("./gateway/figures.ts")).fiveStepFigures,
    ...(await import("./chain/stream.ts")).streamFigures,
  ],
  sdk: async () => (await import("./sdk/figures.ts")).sdkFigures,
};

const [name = "", ...wanted] = process.argv.slice(2);
const suite = Object.hasOwn(suites, name) ? suites[name] : undefined;
if (suite === undefined) {
  process.stderr.write(`npm run bench -- SUITE [FIGURE...]; suites: ${Object.keys(suites).join(", ")}\n`);
  process.exitCode = 1;
} else {
  const figures = await suite();
  await printFigures(figures.filter((one) => wanted.length === 0 || wanted.includes(one.name)));
  process.exit(0);
}
