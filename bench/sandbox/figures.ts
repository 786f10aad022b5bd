import type { FigureDefinition } from "../figure.ts";
import { echoFigures } from "./echo.ts";
import { instanceFigures } from "./instances.ts";
import { meterFigures } from "./meter-overhead.ts";
import { spinnerFigures } from "./spinners.ts";

export const sandboxFigures: readonly FigureDefinition[] = [
  ...echoFigures,
  ...meterFigures,
  ...instanceFigures,
  ...spinnerFigures,
];
