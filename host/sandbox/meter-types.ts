import type { BlockType } from "./wasm/emit.ts";
import type { FuncType, ValType } from "./wasm/module.ts";
import { i32 } from "./wasm/value-types.ts";

/** The types of a metered module: those of the original at their places, others behind them as they are needed. */
export type Types = {
  readonly list: readonly FuncType[];
  /** The index of a type equal to this one. */
  indexOf(type: FuncType): number;
  /** The index of the original type with fuel as one more parameter and result, the last ones. */
  passing(index: number): number;
  /** The type of a block without parameters. */
  blockOf(results: readonly ValType[]): BlockType;
};

export function createTypes(original: readonly FuncType[]): Types {
  const list = [...original];
  const known = new Map<string, number>();
  const passing = new Map<number, number>();

  function indexOf(type: FuncType): number {
    const key = String.fromCharCode(...type.params, 0, ...type.results);
    const index = known.get(key) ?? list.push(type) - 1;
    known.set(key, index);
    return index;
  }

  return {
    list,
    indexOf,
    passing(index) {
      const found = passing.get(index);
      if (found !== undefined) return found;
      const { params, results } = original[index] as FuncType;
      const made = indexOf({ params: [...params, i32], results: [...results, i32] });
      passing.set(index, made);
      return made;
    },
    blockOf(results) {
      const [result] = results;
      if (result === undefined) return null;
      return results.length === 1 ? { result } : { type: indexOf({ params: [], results }) };
    },
  };
}
