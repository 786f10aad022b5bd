import type { Case } from "./case.ts";

/** Structured control: what is charged around branches must change neither where they go nor what they carry. */
export const controlCases: readonly Case[] = [
  {
    name: "blocks, loops and branches",
    module: `(module
      (global $steps (export "steps") (mut i32) (i32.const 0))
      (func $step (global.set $steps (i32.add (global.get $steps) (i32.const 1))))
      (func (export "nothing") nop)
      (func (export "trap") (call $step) unreachable)
      (func (export "return_early") (param i32) (result i32)
        (if (local.get 0) (then (return (i32.const 10)))) (call $step) (i32.const 20))
      (func (export "if_else") (param i32) (result i32)
        (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2))))
      (func (export "if_without_else") (param i32) (result i32) (local $r i32)
        (if (local.get 0) (then (local.set $r (i32.const 5)))) (local.get $r))
      (func (export "block_value") (param i32) (result i32)
        (block $b (result i32)
          (drop (br_if $b (i32.const 7) (local.get 0)))
          (call $step)
          (i32.const 8)))
      (func (export "br_out_of_two") (param i32) (result i32)
        (block $outer (result i32)
          (block $inner (br_if $inner (i32.eqz (local.get 0))) (br $outer (i32.const 1)))
          (i32.const 2)))
      (func (export "sum_to") (param i32) (result i32) (local $sum i32)
        (loop $next
          (local.set $sum (i32.add (local.get $sum) (local.get 0)))
          (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))
          (br_if $next))
        (local.get $sum))
      (func (export "loop_params") (param i64) (result i64) (local $n i64) (local $product i64)
        (i64.const 1) (local.get 0)
        (loop $l (param i64 i64) (result i64)
          (local.set $n) (local.set $product)
          (i64.mul (local.get $product) (local.get $n))
          (i64.sub (local.get $n) (i64.const 1))
          (br_if $l (i64.gt_u (local.get $n) (i64.const 1)))
          (drop)))
      (func $pair (param i32) (result i32 i64 f64) (local.get 0) (i64.const 5) (f64.const 2.5))
      (func (export "multi") (param i32) (result f64 i64 i32) (local $a i32) (local $b i64) (local $c f64)
        (call $pair (local.get 0)) (local.set $c) (local.set $b) (local.set $a)
        (local.get $c) (local.get $b) (local.get $a))
      (func (export "block_params") (param i32 i32) (result i32 i32)
        (local.get 0) (local.get 1)
        (block $b (param i32 i32) (result i32 i32) (br_if $b (local.get 0)) (drop) (i32.const 9)))
      (func (export "if_params") (param i32 i32) (result i32)
        (local.get 0)
        (if (param i32) (result i32) (local.get 1)
          (then (i32.const 1) (i32.add)) (else (i32.const 1) (i32.sub))))
      (func (export "table") (param i32) (result i32)
        (block $d (block $c (block $b (block $a (br_table $a $b $c $a $d (local.get 0)))
          (return (i32.const 100))) (return (i32.const 101))) (return (i32.const 102)))
        (i32.const 103))
      (func (export "table_only_default") (param i32) (result i32)
        (block $a (result i32) (br_table $a (i32.const 4) (local.get 0))))
      (func (export "table_value") (param i32) (result i32)
        (block $b (result i32) (i32.add (i32.const 1)
          (block $a (result i32) (br_table $a $b $a (i32.const 50) (local.get 0))))))
      (func (export "table_to_loops") (param i32) (result i32) (local $turns i32)
        (loop $outer
          (local.set $turns (i32.add (local.get $turns) (i32.const 1)))
          (loop $inner
            (local.set $turns (i32.add (local.get $turns) (i32.const 100)))
            (block $out
              (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
              (br_table $out $inner $outer $out
                (select (i32.const 0) (i32.rem_u (local.get 0) (i32.const 3)) (i32.le_s (local.get 0) (i32.const 0)))))))
        (local.get $turns))
      (func (export "dead_code") (result i32)
        (return (i32.const 3)) (loop $l (br $l)) (drop (i32.div_u (i32.const 1) (i32.const 0))) (i32.const 4))
      (func (export "dead_loop_after_br") (param i32) (result i32)
        (block $b (br_if $b (local.get 0)) (br $b) (loop $l (if (i32.const 1) (then (br $l)))))
        (i32.const 6))
      (func (export "select") (param f64 f64 i32) (result f64) (select (local.get 0) (local.get 1) (local.get 2)))
      (func (export "select_t") (param externref externref i32) (result externref)
        (select (result externref) (local.get 0) (local.get 1) (local.get 2)))
      (func (export "locals_are_zero") (result i64) (local i32 i64 f32 f64 v128 funcref externref)
        (i64.add (i64.add (i64.extend_i32_u (local.get 0)) (local.get 1))
          (i64.extend_i32_u (i32.add (ref.is_null (local.get 5)) (ref.is_null (local.get 6))))))
      (func (export "long_without_branch") (param i32) (result i32)
        ${"(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const 31)) (i32.const 7)))\n".repeat(800)}
        (local.get 0))
      )`,
    calls: [
      "nothing() = none",
      "trap() traps unreachable",
      "return_early(1) = 10",
      "return_early(0) = 20",
      "if_else(1) = 1",
      "if_else(0) = 2",
      "if_without_else(-1) = 5",
      "if_without_else(0) = 0",
      "block_value(1) = 7",
      "block_value(0) = 8",
      "br_out_of_two(1) = 1",
      "br_out_of_two(0) = 2",
      "sum_to(100) = 5050",
      "sum_to(1) = 1",
      "loop_params(20n) = 2432902008176640000n",
      "loop_params(1n) = 1n",
      "multi(3) = 2.5, 5n, 3",
      "block_params(1, 2) = 1, 2",
      "block_params(0, 2) = 0, 9",
      "if_params(5, 1) = 6",
      "if_params(5, 0) = 4",
      "table(0) = 100",
      "table(1) = 101",
      "table(2) = 102",
      "table(3) = 100",
      "table(4) = 103",
      "table(-1) = 103",
      "table_only_default(0) = 4",
      "table_only_default(-1) = 4",
      "table_value(0) = 51",
      "table_value(1) = 50",
      "table_value(2) = 51",
      "table_to_loops(10) = 101",
      "table_to_loops(11) = 201",
      "table_to_loops(12) = 302",
      "dead_code() = 3",
      "dead_loop_after_br(0) = 6",
      "dead_loop_after_br(1) = 6",
      "select(1.5, -0, 1) = 1.5",
      "select(1.5, -0, 0) = -0",
      "select_t(text a, text b, 0) = text b",
      "select_t(null, text b, 1) = null",
      "locals_are_zero() = 2n",
      "long_without_branch(0)",
      "long_without_branch(-1)",
    ],
  },
];
