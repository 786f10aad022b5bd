import { type Call, type Case, parseCall, product } from "./case.ts";

/** Memory: edges, misalignment, growth, and the bulk instructions that are charged by their operand. */

const loads = [
  ...["i32.load", "i64.load", "f32.load", "f64.load"],
  ...["i32.load8_s", "i32.load8_u", "i32.load16_s", "i32.load16_u"],
  ...["i64.load8_s", "i64.load8_u", "i64.load16_s", "i64.load16_u", "i64.load32_s", "i64.load32_u"],
];
const stores = [
  ...["i32.store", "i64.store", "f32.store", "f64.store", "i32.store8", "i32.store16"],
  ...["i64.store8", "i64.store16", "i64.store32"],
];
const typeOf = (name: string) => name.slice(0, 3);

function access(name: string, offset: number): string {
  const type = typeOf(name);
  const label = `${name} ${offset}`;
  return name.includes("load")
    ? `(func (export "${label}") (param i32) (result ${type}) (${name} offset=${offset} align=1 (local.get 0)))`
    : `(func (export "${label}") (param i32 ${type}) (${name} offset=${offset} (local.get 0) (local.get 1)))`;
}

const offsets = [0, 3, 65_535, 4_294_967_295];
const addresses = [
  0, 1, 3, 5, 65_524, 65_528, 65_529, 65_532, 65_533, 65_534, 65_535, 65_536, -1, -8, -65_536,
];

function* accesses(): Generator<Call> {
  for (const offset of offsets) {
    for (const name of stores) {
      const isLong = typeOf(name) === "i64";
      const values = isLong
        ? [-1n, 0x0123_4567_89ab_cdefn]
        : name.startsWith("f")
          ? [-0, 1.1]
          : [-1, 0x0123_4567];
      yield* product(`${name} ${offset}`, [addresses, values]);
    }
    for (const name of loads) yield* product(`${name} ${offset}`, [addresses]);
  }
}

const bulkEdges = [0, 1, 2, 15, 16, 17, 65_535, 65_536, 65_537, -1];

export const memoryCases: readonly Case[] = [
  {
    name: "loads and stores",
    module: `(module (memory (export "memory") 1 1)
      (data (i32.const 0) "\\00\\01\\02\\80\\ff\\7f\\fe\\aa\\55")
      (data (i32.const 65527) "\\81\\92\\a3\\b4\\c5\\d6\\e7\\f8\\09")
      ${offsets.flatMap((offset) => [...loads, ...stores].map((name) => access(name, offset))).join("\n")})`,
    calls: [
      ...[
        "i32.load 0(0) = -2147352320",
        "i32.load8_s 0(4) = -1",
        "i32.load8_u 0(4) = 255",
        "i64.load16_s 0(3) = -128n",
        "i32.load 0(65532) = 0x09f8e7d6",
        "i32.load 0(65533) traps memory access out of bounds",
        "i32.load8_u 0(-1) traps memory access out of bounds",
        "i32.load8_u 4294967295(0) traps memory access out of bounds",
        "i64.store 0(65529, 1n) traps memory access out of bounds",
        "i64.load 0(65528) = 0x09f8e7d6c5b4a392n",
        "i32.store8 65535(0, 7) = none",
        "i32.store8 65535(1, 7) traps memory access out of bounds",
      ].map(parseCall),
      ...accesses(),
    ],
  },
  {
    name: "growth",
    module: `(module (memory (export "memory") 1 3)
      (func (export "size") (result i32) memory.size)
      (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
      (func (export "grow_and_use") (param i32) (result i32)
        (drop (memory.grow (local.get 0)))
        (i32.store (i32.const 131068) (i32.const 5))
        (i32.load (i32.const 131068)))
      (func (export "grow_in_loop") (param i32) (result i32) (local $failed i32)
        (loop $l
          (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1))
            (then (local.set $failed (i32.add (local.get $failed) (i32.const 1)))))
          (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get $failed)))`,
    calls: [
      "size() = 1",
      "grow(0) = 1",
      "grow(3) = -1",
      "grow(-1) = -1",
      "grow(65536) = -1",
      "grow_and_use(0) traps memory access out of bounds",
      "grow_and_use(1) = 5",
      "size() = 2",
      "grow_in_loop(4) = 3",
      "size() = 3",
      "grow(1) = -1",
      "grow(0) = 3",
    ],
  },
  {
    name: "growth without a maximum of its own, to what the process allows",
    module: `(module (memory (export "memory") 0)
      (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
      (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`,
    calls: [
      "load(0) traps memory access out of bounds",
      "grow(1) = 0",
      "load(65535) = 0",
      "grow(1024) = -1",
      "grow(1023) = 1",
      "grow(1) = -1",
    ],
  },
  {
    name: "bulk memory",
    module: `(module (memory (export "memory") 1)
      (data $active (i32.const 4) "active")
      (data $passive "0123456789abcdef!")
      (data $empty "")
      (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
      (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
      (func (export "init") (param i32 i32 i32)
        (memory.init $passive (local.get 0) (local.get 1) (local.get 2)))
      (func (export "init_active") (param i32 i32 i32)
        (memory.init $active (local.get 0) (local.get 1) (local.get 2)))
      (func (export "init_empty") (param i32 i32 i32)
        (memory.init $empty (local.get 0) (local.get 1) (local.get 2)))
      (func (export "drop") (data.drop $passive))
      (func (export "drop_active") (data.drop $active))
      (func (export "u8") (param i32) (result i32) (i32.load8_u (local.get 0))))`,
    calls: [
      ...[
        "fill(65536, 1, 0) = none",
        "fill(65537, 1, 0) traps memory access out of bounds",
        "fill(65535, 1, 2) traps memory access out of bounds",
        "u8(65535) = 0",
        "fill(0, 511, 3) = none",
        "u8(2) = 255",
        "fill(0, 1, -1) traps memory access out of bounds",
        "init(65536, 17, 0) = none",
        "init(0, 18, 0) traps memory access out of bounds",
        "init(0, 16, 2) traps memory access out of bounds",
        "init(100, 0, 17) = none",
        "u8(116) = 33",
        "copy(101, 100, 16) = none",
        "u8(116) = 102",
        "copy(99, 100, 17) = none",
        "copy(65536, 0, 0) = none",
        "copy(0, 65536, 1) traps memory access out of bounds",
        "copy(-1, 0, 1) traps memory access out of bounds",
        "init_active(0, 0, 0) = none",
        "init_active(0, 0, 1) traps memory access out of bounds",
        "init_empty(65536, 0, 0) = none",
        "init_empty(0, 0, 1) traps memory access out of bounds",
        "drop_active() = none",
      ].map(parseCall),
      ...product("fill", [bulkEdges, [0xa5], bulkEdges]),
      ...product("init", [bulkEdges, bulkEdges, bulkEdges]),
      ...product("copy", [bulkEdges, bulkEdges, bulkEdges]),
      ...[
        "drop() = none",
        "init(0, 0, 0) = none",
        "init(0, 0, 1) traps memory access out of bounds",
        "drop() = none",
      ].map(parseCall),
    ],
  },
  {
    name: "a segment of data that does not fit",
    module: `(module (memory 1) (data (i32.const 65535) "ab"))`,
    startTraps: "data segment 0 is out of bounds",
    calls: [],
  },
];
