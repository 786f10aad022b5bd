import type { FuncType, WasmModule } from "./module.ts";
import { valTypeName } from "./value-types.ts";

/** The type of a function by its index, imports first. The module must be valid. */
export function typeOfFunction(module: WasmModule, index: number): FuncType {
  const imported = module.imports.filter(({ desc }) => desc.kind === "func");
  const desc = imported[index]?.desc;
  const type = desc?.kind === "func" ? desc.type : module.functions[index - imported.length];
  const found = type === undefined ? undefined : module.types[type];
  if (found === undefined) throw new RangeError(`no function ${index}`);
  return found;
}

/** `(i64, i32) -> i32` */
export function functionTypeText({ params, results }: FuncType): string {
  const list = (types: readonly number[]) => `(${types.map(valTypeName).join(", ")})`;
  return `${list(params)} -> ${results.length === 1 ? valTypeName(results[0] as number) : list(results)}`;
}
