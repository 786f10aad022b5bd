import type { Scan } from "./wasm/instructions.ts";
import { opcodes } from "./wasm/opcodes.ts";

/** No way leads here. Adding a cost to it changes nothing, and any real distance is greater. */
const unreached = Number.NEGATIVE_INFINITY;

/** How far, in units, the longest way to the present instruction has run since its last check. */
export type Flow = {
  distance(): number;
  /** False in dead code, which is never charged. */
  live(): boolean;
  advance(units: number): void;
  /** A check stands here, after a charge of `units` that is part of the way to the next. */
  checked(units: number): void;
  /** The instruction under the scan was passed; branches carry the distance to their targets. */
  step(scan: Scan): void;
};

const kind = { block: 0, loop: 1, if: 2 } as const;
const codeOf = {
  block: opcodes.block[0],
  loop: opcodes.loop[0],
  if: opcodes.if[0],
  else: opcodes.else[0],
  end: opcodes.end[0],
  br: opcodes.br[0],
  br_if: opcodes.br_if[0],
  br_table: opcodes.br_table[0],
  unreachable: opcodes.unreachable[0],
  return: opcodes.return[0],
  return_call: opcodes.return_call[0],
  return_call_indirect: opcodes.return_call_indirect[0],
} as const;

/** The flow of one function body, from its entry, where a check stands. The body must be valid. */
export function createFlow(): Flow {
  let distance = 0;
  const kinds: number[] = [];
  /** By open construct: the longest distance that reaches its end by a branch, or over an `if` not taken. */
  const atEnd: number[] = [];
  /** By open construct: the distance before its `else`, for an `if`. */
  const atElse: number[] = [];

  function open(what: number): void {
    kinds.push(what);
    atEnd.push(unreached);
    atElse.push(what === kind.if ? distance : unreached);
  }

  function branch(label: number): void {
    const target = kinds.length - 1 - label;
    // A loop's label is its header, where a check stands; the label beyond all is the function's end.
    if (target >= 0 && kinds[target] !== kind.loop && distance > (atEnd[target] as number))
      atEnd[target] = distance;
  }

  function otherwise(): void {
    const top = kinds.length - 1;
    if (distance > (atEnd[top] as number)) atEnd[top] = distance;
    distance = atElse[top] as number;
    atElse[top] = unreached;
  }

  function close(): void {
    kinds.pop();
    distance = Math.max(distance, atEnd.pop() ?? unreached, atElse.pop() ?? unreached);
  }

  return {
    distance: () => distance,
    live: () => distance !== unreached,
    advance(units) {
      distance += units;
    },
    checked(units) {
      distance = units;
    },
    step(scan) {
      switch (scan.code) {
        case codeOf.block:
          open(kind.block);
          break;
        case codeOf.loop:
          open(kind.loop);
          break;
        case codeOf.if:
          open(kind.if);
          break;
        case codeOf.else:
          otherwise();
          break;
        case codeOf.end:
          close();
          break;
        case codeOf.br_if:
          branch(scan.first);
          break;
        case codeOf.br:
          branch(scan.first);
          distance = unreached;
          break;
        case codeOf.br_table:
          for (const label of scan.labels) branch(label);
          distance = unreached;
          break;
        case codeOf.unreachable:
        case codeOf.return:
        case codeOf.return_call:
        case codeOf.return_call_indirect:
          distance = unreached;
          break;
      }
    },
  };
}
