import type { Instruction } from "#host/sandbox/wasm/emit.ts";
import type { OpcodeName } from "#host/sandbox/wasm/opcodes.ts";
import { firstValues, type Program } from "./random-program.ts";

export type Count = {
  readonly turns: number;
  readonly calls: number;
  /** How often each instruction ran. */
  readonly ran: ReadonlyMap<OpcodeName, number>;
};

/** Runs a program by reading it, and counts. It knows the instructions that programs have, and nothing of the meter. */
export function interpret(program: Program): Count {
  const functions = program.map((code) => ({ code, ends: endsOf(code) }));
  const globals: number[] = [firstValues.left, firstValues.coin];
  const ran = new Map<OpcodeName, number>();
  let turns = 0;
  let calls = 0;

  function run(index: number): void {
    let next: number | null = index;
    while (next !== null) next = runOnce(next);
  }

  /** The function to go on with after a tail call. */
  function runOnce(index: number): number | null {
    const { code, ends } = functions[index] as (typeof functions)[number];
    const stack: number[] = [];
    const open: number[] = [];
    const pop = () => stack.pop() as number;
    const binary = (compute: (left: number, right: number) => number) => {
      const right = pop();
      stack.push(compute(pop(), right));
    };
    calls += 1;

    /** Where a branch goes on; behind the code when it leaves the function. */
    function branch(label: number): number {
      const target = open[open.length - 1 - label];
      if (target === undefined) return code.length;
      if (code[target]?.[0] !== "loop") {
        open.length -= label + 1;
        return (ends[target] as Ends).end + 1;
      }
      open.length -= label;
      turns += 1;
      return target + 1;
    }

    for (let at = 0; at < code.length; ) {
      const one = code[at] as Instruction;
      ran.set(one[0], (ran.get(one[0]) ?? 0) + 1);
      const here = at++;
      switch (one[0]) {
        case "i32.const":
          stack.push(one[1]);
          break;
        case "local.set":
          pop();
          break;
        case "global.get":
          stack.push(globals[one[1]] as number);
          break;
        case "global.set":
          globals[one[1]] = pop();
          break;
        case "i32.add":
          binary((left, right) => (left + right) | 0);
          break;
        case "i32.sub":
          binary((left, right) => (left - right) | 0);
          break;
        case "i32.mul":
          binary(Math.imul);
          break;
        case "i32.shr_u":
          binary((left, right) => left >>> right);
          break;
        case "i32.le_s":
          binary((left, right) => (left <= right ? 1 : 0));
          break;
        case "block":
          open.push(here);
          break;
        case "loop":
          open.push(here);
          turns += 1;
          break;
        case "if": {
          const { otherwise, end } = ends[here] as Ends;
          const taken = pop() !== 0;
          if (taken || otherwise !== null) open.push(here);
          if (!taken) at = otherwise === null ? end + 1 : otherwise + 1;
          break;
        }
        case "else":
          at = (ends[open.at(-1) as number] as Ends).end;
          break;
        case "end":
          open.pop();
          break;
        case "br":
          at = branch(one[1]);
          break;
        case "br_if":
          if (pop() !== 0) at = branch(one[1]);
          break;
        case "br_table":
          at = branch(one[1].targets[pop()] ?? one[1].otherwise);
          break;
        case "call":
          run(one[1]);
          break;
        case "call_indirect":
          run(pop());
          break;
        case "return_call":
          return one[1];
        case "return":
          return null;
        default:
          throw new Error(`programs have no ${one[0]}`);
      }
    }
    return null;
  }

  run(0);
  return { turns, calls, ran };
}

type Ends = { otherwise: number | null; end: number };

/** By the place of a block, loop or if: its `else` and its `end`. */
function endsOf(code: readonly Instruction[]): readonly (Ends | undefined)[] {
  const ends: (Ends | undefined)[] = [];
  const open: number[] = [];
  for (const [at, [name]] of code.entries()) {
    if (name === "block" || name === "loop" || name === "if") {
      open.push(at);
      ends[at] = { otherwise: null, end: at };
    }
    if (name === "else") (ends[open.at(-1) as number] as Ends).otherwise = at;
    if (name !== "end") continue;
    const opened = ends[open.pop() ?? -1];
    if (opened !== undefined) opened.end = at;
  }
  return ends;
}
