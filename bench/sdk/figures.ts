import type { FigureDefinition } from "../figure.ts";
import { buildFigures } from "./builds.ts";
import { callFigures } from "./calls.ts";
import { outputFigures } from "./output.ts";

export const sdkFigures: readonly FigureDefinition[] = [...buildFigures, ...outputFigures, ...callFigures];
