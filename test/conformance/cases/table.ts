import type { Case } from "./case.ts";

/** Tables and references: preparing moves the indices of functions wherever one is written. */
export const tableCases: readonly Case[] = [
  {
    name: "calls through a table",
    imports: (note) => ({ env: { note: (value: number) => note(`note ${value}`) } }),
    module: `(module
      (import "env" "note" (func $note (param i32)))
      (type $unary (func (param i32) (result i32)))
      (type $same (func (param i32) (result i32)))
      (type $nullary (func (result i32)))
      (table $t (export "table") 7 9 funcref)
      (table $u (export "other") 3 funcref)
      (elem (table $t) (i32.const 1) func $inc $seven $inc64 $note)
      (elem (table $u) (i32.const 0) funcref (ref.func $seven) (ref.null func) (item (ref.func $inc)))
      (func $inc (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
      (func $seven (result i32) (i32.const 7))
      (func $inc64 (param i64) (result i64) (i64.add (local.get 0) (i64.const 1)))
      (func (export "unary") (param i32 i32) (result i32)
        (call_indirect $t (type $unary) (local.get 1) (local.get 0)))
      (func (export "unary_same_shape") (param i32 i32) (result i32)
        (call_indirect $t (type $same) (local.get 1) (local.get 0)))
      (func (export "nullary") (param i32) (result i32) (call_indirect $t (type $nullary) (local.get 0)))
      (func (export "nullary_u") (param i32) (result i32) (call_indirect $u (type $nullary) (local.get 0)))
      (func (export "note") (param i32) (call_indirect $t (param i32) (local.get 0) (i32.const 4)))
      (func (export "tail") (param i32 i32) (result i32)
        (return_call_indirect $t (type $unary) (local.get 1) (local.get 0))))`,
    calls: [
      "unary(1, 41) = 42",
      "unary_same_shape(1, 41) = 42",
      "nullary(2) = 7",
      "nullary_u(0) = 7",
      "note(5) = none",
      "tail(1, 1) = 2",
      "unary(0, 1) traps function signature mismatch",
      "unary(2, 1) traps function signature mismatch",
      "unary(3, 1) traps function signature mismatch",
      "unary(4, 1) traps function signature mismatch",
      "unary(7, 1) traps table index is out of bounds",
      "unary(-1, 1) traps table index is out of bounds",
      "nullary_u(1) traps function signature mismatch",
      "nullary_u(2) traps function signature mismatch",
      "nullary_u(3) traps table index is out of bounds",
      "tail(0, 1) traps function signature mismatch",
      "tail(9, 1) traps table index is out of bounds",
    ],
  },
  {
    name: "table instructions",
    module: `(module
      (table $f (export "functions") 4 8 funcref)
      (table $x (export "things") 2 externref)
      (elem $active (table $f) (i32.const 0) func $a)
      (elem $passive func $a $b $c)
      (elem $nulls funcref (ref.null func) (ref.func $c))
      (elem declare func $d)
      (func $a (export "a") (result i32) (i32.const 1))
      (func $b (result i32) (i32.const 2))
      (func $c (result i32) (i32.const 3))
      (func $d (export "d") (result i32) (i32.const 4))
      (func (export "get") (param i32) (result funcref) (table.get $f (local.get 0)))
      (func (export "set_d") (param i32) (table.set $f (local.get 0) (ref.func $d)))
      (func (export "set_null") (param i32) (table.set $f (local.get 0) (ref.null func)))
      (func (export "call") (param i32) (result i32) (call_indirect $f (result i32) (local.get 0)))
      (func (export "is_null") (param i32) (result i32) (ref.is_null (table.get $f (local.get 0))))
      (func (export "size") (result i32) (table.size $f))
      (func (export "grow") (param i32) (result i32) (table.grow $f (ref.func $b) (local.get 0)))
      (func (export "fill") (param i32 i32) (table.fill $f (local.get 0) (ref.func $c) (local.get 1)))
      (func (export "init") (param i32 i32 i32)
        (table.init $f $passive (local.get 0) (local.get 1) (local.get 2)))
      (func (export "init_nulls") (param i32 i32 i32)
        (table.init $f $nulls (local.get 0) (local.get 1) (local.get 2)))
      (func (export "init_active") (param i32) (table.init $f $active (i32.const 0) (i32.const 0) (local.get 0)))
      (func (export "drop") (elem.drop $passive))
      (func (export "copy") (param i32 i32 i32) (table.copy $f $f (local.get 0) (local.get 1) (local.get 2)))
      (func (export "get_x") (param i32) (result externref) (table.get $x (local.get 0)))
      (func (export "set_x") (param i32 externref) (table.set $x (local.get 0) (local.get 1)))
      (func (export "grow_x") (param externref i32) (result i32) (table.grow $x (local.get 0) (local.get 1)))
      (func (export "fill_x") (param i32 externref i32)
        (table.fill $x (local.get 0) (local.get 1) (local.get 2)))
      (func (export "null_x") (result externref) (ref.null extern))
      (func (export "is_null_x") (param externref) (result i32) (ref.is_null (local.get 0)))
      (func (export "ref_func") (result funcref) (ref.func $d)))`,
    calls: [
      "get(0) = function 0",
      "get(3) = null",
      "get(4) traps table index is out of bounds",
      "get(-1) traps table index is out of bounds",
      "ref_func() = function 3",
      "set_d(1) = none",
      "call(1) = 4",
      "call(2) traps function signature mismatch",
      "set_d(4) traps table index is out of bounds",
      "set_null(1) = none",
      "is_null(1) = 1",
      "is_null(0) = 0",
      "size() = 4",
      "grow(0) = 4",
      "grow(2) = 4",
      "call(5) = 2",
      "grow(3) = -1",
      "grow(-1) = -1",
      "grow(2) = 6",
      "size() = 8",
      "fill(6, 2) = none",
      "fill(8, 0) = none",
      "fill(7, 2) traps table index is out of bounds",
      "fill(9, 0) traps table index is out of bounds",
      "fill(0, -1) traps table index is out of bounds",
      "call(7) = 3",
      "init(1, 0, 3) = none",
      "call(3) = 3",
      "init(8, 3, 0) = none",
      "init(0, 3, 1) traps element segment out of bounds",
      "init(7, 0, 2) traps table index is out of bounds",
      "init_nulls(0, 0, 2) = none",
      "is_null(0) = 1",
      "init_active(0) = none",
      "init_active(1) traps element segment out of bounds",
      "copy(0, 1, 3) = none",
      "copy(2, 0, 5) = none",
      "copy(8, 8, 0) = none",
      "copy(0, 9, 0) traps table index is out of bounds",
      "copy(7, 0, 2) traps table index is out of bounds",
      "copy(0, 0, -1) traps table index is out of bounds",
      "drop() = none",
      "init(0, 0, 0) = none",
      "init(0, 0, 1) traps element segment out of bounds",
      "drop() = none",
      "get_x(0) = null",
      "set_x(1, text a) = none",
      "get_x(1) = text a",
      "grow_x(text b, 3) = 2",
      "get_x(4) = text b",
      "fill_x(0, text c, 5) = none",
      "fill_x(5, null, 1) traps table index is out of bounds",
      "null_x() = null",
      "is_null_x(null) = 1",
      "is_null_x(text d) = 0",
    ],
  },
  {
    name: "a segment of elements that does not fit",
    module: "(module (func $f) (table 1 funcref) (elem (i32.const 1) $f))",
    startTraps: "table index is out of bounds",
    calls: [],
  },
];
