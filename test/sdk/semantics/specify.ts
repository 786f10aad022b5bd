import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { runInNewContext } from "node:vm";
import { openSources } from "../source-plugin.ts";

/** JavaScript by what it shows: bodies of async functions that return a value. */
export type Cases = Readonly<Record<string, string>>;

/** JavaScript as it stands; a backtick or `${` in it has a backslash before it. */
export function js(text: TemplateStringsArray): string {
  return String.raw(text).replace(/\\(`|\$\{)/g, "$1");
}

/** A value as a text that tells -0, holes, undefined and the kinds of objects apart; and what cases use. */
const prelude = js`
function show(value) {
  if (typeof value === "string") return JSON.stringify(value);
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "bigint") return value + "n";
  if (typeof value !== "object" || value === null) return String(value);
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (Array.isArray(value)) {
    return "[" + Array.from({ length: value.length }, (_, i) => (i in value ? show(value[i]) : "hole")) + "]";
  }
  if (value instanceof Error) return value.name + " " + show(Object.keys(value));
  if (ArrayBuffer.isView(value) && tag !== "DataView") return tag + show(Array.from(value));
  if (tag === "Map" || tag === "Set") return tag + show([...value]);
  return tag + "{" + Reflect.ownKeys(value).map((key) => String(key) + ":" + show(value[key])) + "}";
}
/** The kind of error that a function throws; what else it throws as a text. */
function thrown(run) {
  try {
    run();
  } catch (reason) {
    return reason instanceof Error ? reason.constructor.name : "thrown " + show(reason);
  }
  return "nothing thrown";
}
`;

const failed = "failed: ";

function moduleOf(cases: readonly string[]): string {
  const functions = cases.map((body) => `async () => {\n${body}\n},`);
  return `${prelude}
const cases = [${functions.join("\n")}];
async function run(index) {
  try {
    return show(await cases[index]());
  } catch (reason) {
    return ${JSON.stringify(failed)} + show(reason) + " " + String(reason);
  }
}`;
}

const plugin = js`import { definePlugin } from "@sandgate/plugin-sdk";
import { run } from "./cases.js";
export default definePlugin({
  name: "made",
  version: "1.0.0",
  hooks: { pre_request: { writes: ["tags"] } },
  preRequest: async (input: any) => ({ type: "tag", name: "t", value: await run(input.index) }),
});`;

type Run = (index: number) => Promise<string>;

/** Runs cases, by their index, in the sandbox: each in a call of its own, so in a state of its own. */
export async function inPlugin(t: TestContext, cases: readonly string[]): Promise<Run> {
  const { tag } = await openSources(t, {
    "plugin.ts": plugin,
    "cases.js": `${moduleOf(cases)}\nexport { run };`,
  });
  return (index) => tag({ index });
}

/** Runs cases in V8, whose words about a case are the expectation: each in a realm of its own. */
export function inV8(cases: readonly string[]): Run {
  const code = `"use strict";${moduleOf(cases)}\nrun;`;
  return (index) => (runInNewContext(code, { queueMicrotask }) as Run)(index);
}

/** A test of each case: the plugin must say what V8 says, and V8 something. */
export function specify(area: string, cases: Cases): void {
  test(`${area}, in a plugin as in V8:`, async (t) => {
    const bodies = Object.values(cases);
    const [actual, expected] = [await inPlugin(t, bodies), inV8(bodies)];
    for (const [index, name] of Object.keys(cases).entries()) {
      await t.test(name, async () => {
        const wanted = await expected(index);
        assert.ok(
          wanted !== "undefined" && !wanted.startsWith(failed),
          `the case itself is wrong: ${wanted}`,
        );
        assert.equal(await actual(index), wanted);
      });
    }
  });
}
