import type { Positions } from "../runtime/origin.ts";
import { type SourceMap, sdkSource } from "./source-map.ts";

type Segment = {
  /** From 1, as are all of these. */
  readonly line: number;
  readonly column: number;
  readonly source: number;
  readonly originalLine: number;
  readonly originalColumn: number;
};

/**
 * A source map as the table that the module carries. A bundler moves whole lines, so a segment is worth keeping only
 * where the distance to the original changes. Of packages, which are no author's own code and can be large, only the lines
 * are kept.
 */
export function positionsOf({ sources, mappings }: SourceMap): Positions {
  const files: (string | null)[] = [null];
  const fileOf = sources.map((source) => (source.startsWith(sdkSource) ? 0 : files.push(source) - 1));
  const isPackage = sources.map((source) => packageFolder.test(source));
  const runs: number[] = [];
  let last = { file: -1, lines: 0, columns: 0 };
  for (const { line, column, source, originalLine, originalColumn } of segmentsOf(mappings)) {
    const file = fileOf[source] ?? 0;
    // Where in the SDK code comes from is told to nobody, so all of it is one run.
    const lines = file === 0 ? 0 : originalLine - line;
    const columns = file === 0 || isPackage[source] ? 0 : originalColumn - column;
    if (last.file === file && last.lines === lines && last.columns === columns) continue;
    runs.push(line, column, file, lines, columns);
    last = { file, lines, columns };
  }
  return [files, runs];
}

const packageFolder = /(^|\/)node_modules\//;

/** Format: ECMA-426, "Decoding source map mappings". */
function* segmentsOf(mappings: string): Generator<Segment> {
  let [source, originalLine, originalColumn] = [0, 1, 1];
  for (const [line, segments] of mappings.split(";").entries()) {
    let column = 1;
    for (const segment of segments.split(",")) {
      const [columns, sources, lines, originalColumns] = decodeVlq(segment);
      if (columns === undefined) continue;
      column += columns;
      if (sources === undefined || lines === undefined || originalColumns === undefined) continue;
      source += sources;
      originalLine += lines;
      originalColumn += originalColumns;
      yield { line: line + 1, column, source, originalLine, originalColumn };
    }
  }
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function decodeVlq(text: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const character of text) {
    const digit = digits.indexOf(character);
    value |= (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    value = 0;
    shift = 0;
  }
  return numbers;
}
