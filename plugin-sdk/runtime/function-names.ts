import { capabilityFunctions } from "../abi/host-functions.ts";

/** The functions of `extism:host/user`, in the order by which the engine knows them. */
export const functionNames: readonly string[] = Object.values(capabilityFunctions)
  .flatMap((functions) => Object.keys(functions))
  .sort();
