import fc from "fast-check";
import { assemble, type Instruction } from "#host/sandbox/wasm/emit.ts";
import { funcref, i32 } from "#host/sandbox/wasm/value-types.ts";
import { buildModule } from "../built-module.ts";

/** Functions of type () -> (), by index; the first is exported as `run`. */
export type Program = readonly (readonly Instruction[])[];

/** Globals of a program: what is left of the turns and calls that end it, and the state of its coin. */
export const globals = { left: 0, coin: 1 } as const;
export const firstValues = { left: 300, coin: 12_345 } as const;

type Statement =
  | { readonly kind: "work" | "return" | "tail" }
  | { readonly kind: "block" | "loop"; readonly body: readonly Statement[] }
  | {
      readonly kind: "if";
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[] | null;
    }
  | { readonly kind: "br" | "br_if" | "call" | "reference"; readonly to: number }
  | { readonly kind: "br_table"; readonly targets: readonly number[] };

const functionCount = 4;

const { body } = fc.letrec<{ body: readonly Statement[]; statement: Statement }>((tie) => ({
  body: fc.array(tie("statement"), { maxLength: 5 }),
  statement: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.record({ kind: fc.constantFrom("work", "work", "work", "return", "tail") }),
    fc.record({ kind: fc.constantFrom("br", "br_if", "br_if", "call", "reference"), to: fc.nat(6) }),
    fc.record({
      kind: fc.constant("br_table"),
      targets: fc.array(fc.nat(6), { minLength: 1, maxLength: 5 }),
    }),
    fc.record({ kind: fc.constantFrom("block", "loop", "loop"), body: tie("body") }),
    fc.record({ kind: fc.constant("if"), body: tie("body"), otherwise: fc.option(tie("body")) }),
  ) as fc.Arbitrary<Statement>,
}));

/** Programs of nested control flow that end: a turn or a call beyond the `left` ones leaves at once. */
export const programs: fc.Arbitrary<Program> = fc
  .array(body, { minLength: functionCount, maxLength: functionCount })
  .map((bodies) => bodies.map((one) => [...unlessSpent(["return"]), ...emitAll(one, 0), ["end"]]));

export function encodeProgram(program: Program): Uint8Array {
  return buildModule({
    types: [{ params: [], results: [] }],
    functions: program.map(() => 0),
    globals: [firstValues.left, firstValues.coin].map((value) => ({
      type: { type: i32, mutable: true },
      init: assemble([["i32.const", value], ["end"]]),
    })),
    tables: [{ element: funcref, limits: { min: functionCount, max: functionCount } }],
    elements: [
      {
        type: funcref,
        segment: { mode: "active", index: 0, offset: assemble([["i32.const", 0], ["end"]]) },
        items: { functions: [...program.keys()] },
      },
    ],
    code: program.map((one) => ({ locals: [{ count: 5, type: i32 }], body: assemble(one) })),
  });
}

/** `depth` constructs are open; a label beyond them is the function's own. */
function emitAll(statements: readonly Statement[], depth: number): Instruction[] {
  return statements.flatMap((one) => emitOne(one, depth));
}

function emitOne(one: Statement, depth: number): Instruction[] {
  const label = (to: number) => to % (depth + 1);
  switch (one.kind) {
    case "work":
      return [
        ["i32.const", 7],
        ["local.set", 2],
      ];
    case "return":
      return [...toss(31), ["if", null], ["return"], ["end"]];
    case "tail":
      return [...toss(31), ["if", null], ["return_call", 1], ["end"]];
    case "block":
      return [["block", null], ...emitAll(one.body, depth + 1), ["end"]];
    case "loop":
      // Two labels: out of the loop and back to its header.
      return [
        ["block", null],
        ["loop", null],
        ...unlessSpent(["br", 2]),
        ...emitAll(one.body, depth + 2),
        ...toss(31),
        ["br_if", 0],
        ["end"],
        ["end"],
      ];
    case "if": {
      const { otherwise } = one;
      const rest: Instruction[] = otherwise === null ? [] : [["else"], ...emitAll(otherwise, depth + 1)];
      return [...toss(31), ["if", null], ...emitAll(one.body, depth + 1), ...rest, ["end"]];
    }
    case "br":
      return [["br", label(one.to)]];
    case "br_if":
      return [...toss(31), ["br_if", label(one.to)]];
    case "br_table": {
      const [otherwise = 0, ...targets] = one.targets.map(label);
      return [...toss(29), ["br_table", { targets, otherwise }]];
    }
    case "call":
      return [["call", one.to % functionCount]];
    case "reference":
      return [
        ["i32.const", one.to % functionCount],
        ["call_indirect", 0, 0],
      ];
    default:
      return one satisfies never;
  }
}

/** Takes one of what is left, and leaves by this instruction, inside an `if`, when that was the last. */
function unlessSpent(leave: Instruction): Instruction[] {
  return [
    ["global.get", globals.left],
    ["i32.const", 1],
    ["i32.sub"],
    ["global.set", globals.left],
    ["global.get", globals.left],
    ["i32.const", 0],
    ["i32.le_s"],
    ["if", null],
    leave,
    ["end"],
  ];
}

/** A pseudo-random number onto the stack: the upper bits of the coin, so many shifted out. */
function toss(bits: number): Instruction[] {
  return [
    ["global.get", globals.coin],
    ["i32.const", 1_664_525],
    ["i32.mul"],
    ["i32.const", 1_013_904_223],
    ["i32.add"],
    ["global.set", globals.coin],
    ["global.get", globals.coin],
    ["i32.const", bits],
    ["i32.shr_u"],
  ];
}
