import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "#host/sandbox/outcome.ts";
import { type OpenOptions, openSources, withBody } from "../source-plugin.ts";

/** A body of `preRequest`, and how a call of it must end. */
export type Attack = {
  readonly body: string;
  readonly outcome: Outcome;
  /** What stands in the error, or in the output of a call that is `ok`. */
  readonly says?: RegExp;
};

export type AttackOptions = OpenOptions & {
  /** Lines above definePlugin. */
  readonly before?: string;
};

/** Uses what attacks change: promises, iterators, JSON, patterns, errors and their stacks, sort, dates. */
const honest = `
async function honest(host) {
  const parts = ["b", "a", ...new Set([3, 3]), ...Object.keys({ k: 1 })].sort();
  for await (const part of [Promise.resolve("later")]) parts.push(part);
  const { found = "default", ...rest } = JSON.parse('{"x": [1, {"y": null}]}');
  try {
    (void 0)();
  } catch (reason) {
    parts.push(String(reason), typeof reason.stack, reason instanceof TypeError);
  }
  const all = await Promise.all([1, Promise.resolve(2)].map(async (one) => (await one) * 2));
  host.log.info("honest");
  const text = [parts.join(), found, JSON.stringify(rest), all, "a-b".replace(/(?<l>a)/g, "$<l>$<l>"), new Date(0).toISOString(), String([1, [2]]), Math.max.call(null, 1, 2), new Map([[1, 2]]).get(1)];
  return { type: "tag", name: "t", value: text.join("|") };
}`;

const honestAnswer =
  "3,a,b,k,later,TypeError: not a function,string,true|default|" +
  '{"x":[1,{"y":null}]}|2,4|aa-b|1970-01-01T00:00:00.000Z|1,2|2|2';

/** A test of each attack: it ends as it must, and the next honest call on the same pool is right. */
export function attack(
  title: string,
  attacks: Readonly<Record<string, Attack>>,
  options: AttackOptions = {},
): void {
  test(title, async (t) => {
    const { before = "", ...open } = options;
    const kinds = Object.entries(attacks).map(
      ([name, { body }]) => `${JSON.stringify(name)}: (input, host) => { ${body} },`,
    );
    const source = withBody(
      "return input.kind === undefined ? honest(host) : kinds[input.kind](input, host);",
      `${before}\n${honest}\nconst kinds = {\n${kinds.join("\n")}\n};`,
    );
    const plugin = await openSources(t, source, open);
    assert.equal(await plugin.tag(), honestAnswer);
    for (const [kind, { outcome, says = /(?:)/ }] of Object.entries(attacks)) {
      await t.test(`${kind}: ${outcome}`, async () => {
        const result = await plugin.call("pre_request", { kind });
        const text = result.error ?? Buffer.from(result.output).toString();
        assert.equal(result.outcome, outcome, text.slice(0, 1_000));
        assert.match(text, says);
        const lines = plugin.log.length;
        assert.equal(await plugin.tag(), honestAnswer);
        assert.deepEqual(
          plugin.log.slice(lines).map(({ text }) => text),
          ["honest"],
        );
      });
    }
  });
}
