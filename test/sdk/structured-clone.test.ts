import assert from "node:assert/strict";
import { test } from "node:test";
import { openNodeAndPlugin } from "./node-and-plugin.ts";
import { openSources } from "./source-plugin.ts";

/** Expressions that are cloned, and how the clone is shown beside it. */
const cloned = [
  "[1, -0, NaN, Infinity, 'té\\ud800', true, null, undefined, 12n]",
  "({ a: { b: [] }, ['__proto__']: 1, 1: 2, '': 3 })",
  "new Date(5)",
  "new Date(NaN)",
  "/a+/giu",
  "new Map([[{ k: 1 }, new Set([1, [2]])]])",
  "new Uint8Array([1, 2, 255])",
  "new Float64Array([1.5, -0, NaN])",
  "new BigInt64Array([1n, -2n])",
  "new Uint16Array(new Uint16Array([1, 2, 3, 4]).buffer, 2, 2)",
  "new Uint8Array([9, 8]).buffer",
  "new TypeError('bad')",
  "Object.assign(Object.create({ inherited: 1 }), { own: 2 })",
  "new (class Point { constructor() { this.x = 1; } get y() { return 2; } })()",
  "[new Boolean(true), new Number(2), new String('s'), Object(3n)]",
];

const cloning = `
const show = (value, seen = new Map()) => {
  if (typeof value === "bigint") return value + "n";
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (seen.has(value)) return "#" + seen.get(value);
  seen.set(value, seen.size);
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  const inside = (values) => tag + "(" + values.map((one) => show(one, seen)).join() + ")";
  if (value instanceof Error) return inside([value.name, value.message, value instanceof TypeError]);
  if (tag === "ArrayBuffer") return inside([...new Uint8Array(value)]);
  if (Array.isArray(value) || ArrayBuffer.isView(value) || value instanceof Set) return inside([...value]);
  if (value instanceof Map) return inside([...value].flat());
  if (tag === "Object") return inside(Object.entries(value).flat()) + (Object.getPrototypeOf(value) === Object.prototype);
  return tag + ":" + (value instanceof Date ? value.getTime() : value.valueOf());
};
const circle = { list: [1] };
circle.self = circle;
circle.again = circle.list;
export const run = () => [
  ${cloned.map((value) => `show(structuredClone(${value}))`).join(",\n  ")},
  show(structuredClone(circle)),
  (({ self, list, again }) => self !== circle && self.self === self && list === again && list !== circle.list)(structuredClone(circle)),
  ...[() => {}, Symbol("s"), { inside: [() => {}] }].map((value) => {
    try { return structuredClone(value); } catch (thrown) { return [thrown.name, thrown.code, thrown instanceof DOMException]; }
  }),
  (() => { const own = new Error("from the getter"); try { structuredClone({ get a() { throw own; } }); } catch (thrown) { return thrown === own; } })(),
];`;

test("structuredClone clones as in Node, and refuses the same", async (t) => {
  const { both } = await openNodeAndPlugin(t, cloning);
  const { node, plugin } = await both(null);
  assert.deepEqual(plugin, node);
});

test("nothing can be transferred", async (t) => {
  const { call } = await openSources(
    t,
    `export function run() {
       const buffer = new ArrayBuffer(8);
       try { structuredClone(buffer, { transfer: [buffer] }); } catch (thrown) { Host.outputString(thrown.name); }
     }`,
  );
  assert.equal(Buffer.from((await call("run")).output).toString(), "DataCloneError");
});
