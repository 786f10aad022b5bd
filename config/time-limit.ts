import { createContext, Script } from "node:vm";

const call = new Script("run()");

/** One for all: a context takes a millisecond to make, and thousands of them more than that to collect. */
const globals: { run: (() => void) | null } = { run: null };
const context = createContext(globals);

/**
 * Runs synchronous work and stops it after `ms` milliseconds of wall time, also inside a regular expression.
 * Only V8's script timeout can do this; the script calls back into the code of `work`, which is interrupted
 * wherever it is, so that nothing it was changing may be used afterwards. Where a busy machine has kept the process from
 * running meanwhile, it is run once more from its beginning.
 * @returns undefined when time ran out.
 * @throws what `work` throws.
 */
export function withinTime<Value>(ms: number, work: () => Value): { readonly value: Value } | undefined {
  const before = process.threadCpuUsage();
  const result = attempt(ms, work);
  if (result !== undefined) return result;
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000 < ms / 2 ? attempt(ms, work) : undefined;
}

function attempt<Value>(ms: number, work: () => Value): { readonly value: Value } | undefined {
  let result: { value: Value } | undefined;
  const outer = globals.run;
  globals.run = () => {
    result = { value: work() };
  };
  try {
    call.runInContext(context, { timeout: ms });
  } catch (thrown) {
    // The context has an Error of its own: `instanceof` would not know it.
    const code = typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : undefined;
    if (code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw thrown;
    return undefined;
  } finally {
    globals.run = outer;
  }
  return result;
}
