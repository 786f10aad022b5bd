import assert from "node:assert/strict";
import { test } from "node:test";
import { moduleLimits } from "#host/limits.ts";
import { standardImports } from "#host/sandbox/link.ts";
import { prepare } from "#host/sandbox/prepare.ts";
import { Rejected, type RejectionCode } from "#host/sandbox/rejected.ts";
import { assemble } from "#host/sandbox/wasm/emit.ts";
import type { FuncType, Import } from "#host/sandbox/wasm/module.ts";
import { funcref, i32 } from "#host/sandbox/wasm/value-types.ts";
import { answering, type BuiltModule, buildModule, prepareBytes } from "./built-module.ts";
import { assembleWat, openFixture } from "./fixture.ts";

const wat = (text: string) => assembleWat(`(module ${text})`);
const bytes = (...content: number[]) => Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...content]);
/** A module whose only function, of type () -> (), has this body. */
const body = (...code: number[]) =>
  bytes(
    1,
    4,
    1,
    0x60,
    0,
    0,
    3,
    2,
    1,
    0,
    5,
    3,
    1,
    0,
    1,
    10,
    code.length + 5,
    1,
    code.length + 3,
    0,
    ...code,
    0x0f,
    0x0b,
  );

async function rejection(module: Uint8Array): Promise<Rejected> {
  const outcome = await prepareBytes(module).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(outcome instanceof Rejected, `${outcome}`);
  return outcome;
}

for (const [what, module, code, message] of [
  ["a 64-bit memory", bytes(5, 3, 1, 0x04, 1), "unsupported", /64-bit addresses \(a memory\)/],
  ["a 64-bit table", bytes(4, 4, 1, 0x70, 0x04, 1), "unsupported", /64-bit addresses \(a table\)/],
  ["a shared memory", bytes(5, 4, 1, 0x03, 1, 2), "unsupported", /a shared memory/],
  ["pages of another size", bytes(5, 4, 1, 0x08, 1, 0), "unsupported", /custom page sizes/],
  ["atomics", body(0xfe, 0x03, 0), "unsupported", /atomics/],
  ["a struct type", bytes(1, 3, 1, 0x5f, 0), "unsupported", /garbage-collected types/],
  ["an array type", bytes(1, 4, 1, 0x5e, 0x7f, 0), "unsupported", /garbage-collected types/],
  ["a recursive group", bytes(1, 3, 1, 0x4e, 0), "unsupported", /garbage-collected types/],
  ["a GC instruction", body(0xfb, 0x1c), "unsupported", /garbage-collected types/],
  ["an anyref parameter", bytes(1, 5, 1, 0x60, 1, 0x6e, 0), "unsupported", /garbage-collected types/],
  ["a typed reference", bytes(1, 6, 1, 0x60, 1, 0x63, 0x70, 0), "unsupported", /typed references/],
  ["call_ref", body(0x14, 0), "unsupported", /typed references/],
  [
    "a table with an initial value",
    bytes(4, 9, 1, 0x40, 0, 0x70, 0, 1, 0xd0, 0x70, 0x0b),
    "unsupported",
    /initial value/,
  ],
  ["a tag section", bytes(13, 1, 0), "unsupported", /exceptions/],
  ["an imported tag", bytes(2, 7, 1, 1, 0x61, 1, 0x62, 4, 0), "unsupported", /exceptions/],
  ["an exported tag", bytes(7, 5, 1, 1, 0x61, 4, 0), "unsupported", /exceptions/],
  ["try_table", body(0x1f, 0x40, 0, 0x0b), "unsupported", /exceptions/],
  [
    "a catch handler that loops",
    body(0x06, 0x40, 0x19, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b),
    "unsupported",
    /exceptions/,
  ],
  ["relaxed SIMD", body(0xfd, 0x80, 0x02), "unsupported", /relaxed SIMD/],
  ["a component", Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]), "unsupported", /components/],
  ["two memories", bytes(5, 5, 2, 0, 1, 0, 1), "limit", /memories/],
  ["an imported memory", wat('(import "extism:host/env" "memory" (memory 1))'), "unsupported", /is a memory/],
  ["an imported table", wat('(import "extism:host/env" "t" (table 1 funcref))'), "unsupported", /is a table/],
  ["an imported global", wat('(import "extism:host/env" "g" (global i32))'), "unsupported", /is a global/],
  ["an unknown function", wat('(import "env" "system" (func))'), "import", /env.system does not exist/],
  ["an unknown WASI function", wat('(import "wasi_snapshot_preview1" "exec" (func))'), "import", /exec/],
  ["WASI of another version", wat('(import "wasi_unstable" "fd_write" (func))'), "import", /wasi_unstable/],
  [
    "an import named constructor",
    wat('(import "extism:host/env" "constructor" (func))'),
    "import",
    /constructor/,
  ],
  ["an import named __proto__", wat('(import "extism:host/env" "__proto__" (func))'), "import", /__proto__/],
  [
    "a namespace named constructor",
    wat('(import "constructor" "constructor" (func))'),
    "import",
    /constructor/,
  ],
  ["a namespace named __proto__", wat('(import "__proto__" "toString" (func))'), "import", /__proto__/],
  [
    "an import of our meter",
    wat('(import "sandgate:meter" "slice" (func (result i32)))'),
    "reserved",
    /sandgate:meter/,
  ],
  [
    "an import whose name is ours",
    wat('(import "extism:host/env" "sandgate:fuel" (func))'),
    "reserved",
    /sandgate:fuel/,
  ],
  [
    "an export of our counter's name",
    wat('(global i32 (i32.const 1)) (export "sandgate:fuel" (global 0))'),
    "reserved",
    /sandgate:fuel/,
  ],
  ["an export of our start's name", wat('(func (export "sandgate:start"))'), "reserved", /sandgate:start/],
  ["a memory of 65,536 pages", wat("(memory 65536)"), "limit", /memoryPages = 256/],
  ["ten tables of 10,000,000", wat("(table 10000000 funcref)".repeat(10)), "limit", /tables = 8/],
  ["a table of 10,000,000", wat("(table 10000000 externref)"), "limit", /tableElements/],
  ["no bytes", new Uint8Array(0), "malformed", /not a WebAssembly module/],
  ["one byte", new Uint8Array(1), "malformed", /not a WebAssembly module/],
] as const satisfies readonly (readonly [string, Uint8Array, RejectionCode, RegExp])[]) {
  test(`${code}: ${what}`, async () => {
    const thrown = await rejection(module);
    assert.match(thrown.message, message);
    assert.equal(thrown.code, code);
  });
}

const hook: FuncType = { params: [], results: [i32] };
const expression = assemble([["ref.func", 1], ["end"]]);

/** Index 1 does not exist in any of these, but would after metering. */
const outOfRange: readonly (readonly [string, BuiltModule])[] = [
  ["call", { code: [answering([["call", 1], ["drop"]])] }],
  ["return_call", { code: [answering([["return_call", 1]])] }],
  ["ref.func", { code: [answering([["ref.func", 1], ["drop"]])] }],
  ["global.get", { code: [answering([["global.get", 0], ["drop"]])] }],
  [
    "global.set",
    {
      code: [
        answering([
          ["i32.const", 9],
          ["global.set", 0],
        ]),
      ],
    },
  ],
  ["an export", { exports: [{ name: "run", kind: "func", index: 1 }] }],
  ["an exported global", { exports: [{ name: "run", kind: "global", index: 0 }] }],
  ["start", { start: 1 }],
  ["an element", { elements: [{ segment: { mode: "passive" }, type: funcref, items: { functions: [1] } }] }],
  [
    "an element by expression",
    { elements: [{ segment: { mode: "declared" }, type: funcref, items: { expressions: [expression] } }] },
  ],
  ["a global's value", { globals: [{ type: { type: funcref, mutable: false }, init: expression }] }],
  ["a type", { functions: [0, 1], code: [answering(), answering()] }],
];

for (const [what, members] of outOfRange) {
  test(`malformed: an index out of range in ${what} does not become a reference to something injected`, async () => {
    assert.equal((await rejection(buildModule(members))).code, "malformed");
  });
}

test("malformed: an import with a type that does not exist, and one with the wrong type", async () => {
  const alloc: Import = { module: "extism:host/env", name: "alloc", desc: { kind: "func", type: 9 } };
  assert.equal((await rejection(buildModule({ imports: [alloc] }))).code, "malformed");
  const wrong = wat('(import "extism:host/env" "alloc" (func (param i32))) (func (export "run"))');
  await assert.rejects(
    openFixture('(import "extism:host/env" "alloc" (func (param i32)))'),
    /LinkError|alloc|Import/,
  );
  assert.ok(await prepareBytes(wrong));
});

test("a name of a megabyte does not make a message of a megabyte", async () => {
  const name = "x".repeat(1_000_000);
  const long: Import = { module: name, name, desc: { kind: "func", type: 0 } };
  assert.ok((await rejection(buildModule({ types: [hook], imports: [long] }))).message.length < 1_000);
  const reserved = buildModule({ exports: [{ name: `sandgate:${name}`, kind: "func", index: 0 }] });
  assert.ok((await rejection(reserved)).message.length < 1_000);
});

test("bytes that change while they are prepared change nothing", async () => {
  const module = Buffer.from(buildModule({ customs: [{ name: "x", bytes: new Uint8Array(50) }] }));
  const preparing = prepareBytes(module);
  module.fill(0xff, 8);
  assert.equal((await preparing).bytes, module.length);
});

test("a module that says it needs more than it may have starts, and its growth is refused at the cap", async () => {
  const { pool, call } = await openFixture(
    `(memory 1 65536) (table $t 1 1000000 funcref)
     (func (export "grow") (result i32)
       (i32.sub (i32.const ${moduleLimits.memoryPages - 1}) (memory.grow (i32.const ${moduleLimits.memoryPages})))
       (drop (memory.grow (i32.const ${moduleLimits.memoryPages - 1}))) (drop)
       (i32.sub (memory.size) (i32.const ${moduleLimits.memoryPages})))
     (func (export "grow_table") (result i32)
       (i32.add (i32.const 1) (table.grow $t (ref.null func) (i32.const ${moduleLimits.tableElements}))))`,
  );
  assert.equal((await call("grow")).outcome, "ok");
  assert.equal((await call("grow_table")).outcome, "ok");
  await pool.close();
});

test("the same import twice, in two types that fit, is linked twice", async () => {
  const twice = '(import "extism:host/env" "input_length" (func (result i64)))';
  const module = wat(
    `${twice} ${twice} (func (export "run") (result i32) (i32.wrap_i64 (i64.sub (call 0) (call 1))))`,
  );
  assert.equal((await prepare(module, { memoryPages: 1, imports: standardImports })).imports.length, 2);
  const { pool, call } = await openFixture(
    `${twice} ${twice} (func (export "run") (result i32) (i32.wrap_i64 (i64.sub (call 0) (call 1))))`,
  );
  assert.equal((await call("run", "abc")).outcome, "ok");
  await pool.close();
});
