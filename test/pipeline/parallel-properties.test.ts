import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GatewayError } from "#host/errors.ts";
import type { Effect } from "#sdk/abi/effects.ts";
import { openStage, type Use } from "./stage.ts";

type Does = "sets" | "removes" | "tags" | "asks" | "answers" | "answers late" | "traps" | "spins" | "lies";
type One = { readonly does: Does; readonly onFailure: "closed" | "open"; readonly priority: 1 | 2 };

const spin = (rounds: number) =>
  `(local $n i32) (loop $again (local.set $n (i32.add (local.get $n) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get $n) (i32.const ${rounds}))))`;

/** What a step does that writes fields of its own alone. */
function bodyOf(does: Does, name: string): Use["does"] {
  const effects: Record<"sets" | "removes" | "tags" | "asks" | "answers", Effect[]> = {
    sets: [{ type: "set-header", on: "request", name: `x-${name}`, value: name }],
    removes: [{ type: "remove-header", on: "request", name: `x-given-${name}` }],
    tags: [{ type: "tag", name, value: name }],
    asks: [{ type: "set-header", on: "response", name: `x-${name}`, value: name }],
    answers: [{ type: "respond", status: 200, body: name }],
  };
  switch (does) {
    case "answers late": {
      const text = JSON.stringify({ effects: [{ type: "respond", status: 418, body: name }] });
      const stores = Array.from(
        Buffer.from(text),
        (byte, at) => `(i32.store8 (i32.const ${1024 + at}) (i32.const ${byte}))`,
      );
      return `${spin(2_000_000)} ${stores.join("")} (call $puts (i32.const 1024) (i32.const ${text.length})) (i32.const 0)`;
    }
    case "traps":
      return `${spin(500_000)} unreachable`;
    case "spins":
      return "(loop $again (br $again)) (i32.const 0)";
    case "lies":
      return [{ type: "set-path", path: "/x" }];
    default:
      return effects[does];
  }
}

function useOf({ does, onFailure, priority }: One, at: number, mode: "parallel" | "sequential"): Use {
  const name = `p${at}`;
  const own = [`request.headers.x-${name}`, `request.headers.x-given-${name}`, `response.headers.x-${name}`];
  const writes = [...own, "tags", "respond"] as Use["writes"] & {};
  return { name, does: bodyOf(does, name), writes, mode, binding: { onFailure, priority } };
}

const anyOne: fc.Arbitrary<One> = fc.record({
  does: fc.constantFrom<Does[]>(
    ...([
      "sets",
      "sets",
      "removes",
      "tags",
      "asks",
      "answers",
      "answers late",
      "traps",
      "spins",
      "lies",
    ] as const),
  ),
  onFailure: fc.constantFrom("closed", "open", "open"),
  priority: fc.constantFrom(1, 2, 2),
});

test("parallel steps that write fields of their own come to the same as sequential ones, in the same order of reports", async (t) => {
  const ends = { answered: 0, failed: 0 };
  const outcomeOf = async (all: readonly One[], mode: "parallel" | "sequential") => {
    const uses = all.map((one, at) => useOf(one, at, mode));
    const stage = await openStage(t, uses, { fuel: 10_000_000 });
    const given = all.map((_, at) => [`x-given-p${at}`, "given"]);
    const { exchange } = stage;
    exchange.request = { ...exchange.request, headers: Object.fromEntries(given) };
    const end = await stage.run().catch((thrown: unknown) => {
      assert.ok(thrown instanceof GatewayError, String(thrown));
      return `${thrown.code} ${thrown.plugin}`;
    });
    if (end === true) ends.answered += 1;
    else if (end !== false) ends.failed += 1;
    const { request, response, responseHeaders, tags } = exchange;
    const reports = stage.reports.map(({ step, outcome, skipped }) => [step.key, outcome, skipped]);
    const { headers } = request;
    return JSON.stringify({ end, headers, response, responseHeaders, tags, reports });
  };
  await fc.assert(
    fc.asyncProperty(fc.array(anyOne, { minLength: 2, maxLength: 5 }), async (all) => {
      assert.equal(await outcomeOf(all, "parallel"), await outcomeOf(all, "sequential"));
    }),
    { numRuns: 40, seed: 20_261_126 },
  );
  assert.ok(ends.answered > 5 && ends.failed > 5, JSON.stringify(ends));
});
