import { createPlugin, type Plugin } from "@extism/extism";
import type { Pool } from "#host/sandbox/pool.ts";
import { assembleWat, env } from "#test/sandbox/fixture.ts";
import type { FigureDefinition } from "../figure.ts";
import { interleave } from "../interleaved.ts";
import { openPool, prepareModule } from "./open-pool.ts";

/**
 * Reads its input and puts it out, as Extism's PDKs do: eight bytes at a time from the host's memory into its own, and from
 * there into a new block.
 */
const echoWat = (pages: number) => `(module
  ${env}
  (memory (export "memory") ${pages})
  (func (export "echo") (result i32) (local $n i64) (local $i i64) (local $block i64)
    (local.set $n (call $input_length))
    (block $read (loop $next
      (br_if $read (i64.gt_u (i64.add (local.get $i) (i64.const 8)) (local.get $n)))
      (i64.store (i32.wrap_i64 (local.get $i)) (call $input_load_u64 (local.get $i)))
      (local.set $i (i64.add (local.get $i) (i64.const 8)))
      (br $next)))
    (block $read (loop $next
      (br_if $read (i64.ge_u (local.get $i) (local.get $n)))
      (i32.store8 (i32.wrap_i64 (local.get $i)) (call $input_load_u8 (local.get $i)))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $next)))
    (local.set $block (call $alloc (local.get $n)))
    (local.set $i (i64.const 0))
    (block $written (loop $next
      (br_if $written (i64.gt_u (i64.add (local.get $i) (i64.const 8)) (local.get $n)))
      (call $store_u64 (i64.add (local.get $block) (local.get $i)) (i64.load (i32.wrap_i64 (local.get $i))))
      (local.set $i (i64.add (local.get $i) (i64.const 8)))
      (br $next)))
    (block $written (loop $next
      (br_if $written (i64.ge_u (local.get $i) (local.get $n)))
      (call $store_u8 (i64.add (local.get $block) (local.get $i)) (i32.load8_u (i32.wrap_i64 (local.get $i))))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $next)))
    (call $output_set (local.get $block) (local.get $n))
    (i32.const 0)))`;

/** How often the stock SDK may be called before its plugin is reset: it never gives blocks back by itself. */
const callsToReset = 1_000;

async function versusStock(bytes: number, runInWorker: boolean) {
  const wasm = assembleWat(echoWat(Math.ceil(bytes / 65_536)));
  const input = "x".repeat(bytes);
  const pool = await openPool(await prepareModule(wasm));
  const stock = await createPlugin({ wasm: [{ data: wasm }] }, { useWasi: false, runInWorker });
  const { ratio, aUs, bUs, rounds } = await interleave(
    (times) => callStock(stock, { input, times }),
    (times) => callPool(pool, { input, times }),
  );
  await stock.close();
  await pool.close(0);
  return { value: ratio, details: { stockUs: aUs, sandgateUs: bUs, rounds } };
}

type Calls = { readonly input: string; readonly times: number };

async function callPool(pool: Pool, { input, times }: Calls): Promise<void> {
  for (let count = 0; count < times; count++) {
    const { output, error } = await pool.call("echo", input);
    if (output.length !== input.length) throw new Error(`the echo answered ${output.length} bytes: ${error}`);
  }
}

async function callStock(plugin: Plugin, { input, times }: Calls): Promise<void> {
  for (let count = 0; count < times; count++) {
    const output = await plugin.call("echo", input);
    if (output?.bytes().length !== input.length) throw new Error("the stock SDK did not echo");
    if (count % callsToReset === 0) await plugin.reset();
  }
}

/** Times faster than the stock SDK: in the same thread, where nothing stops an endless loop, and in its worker. */
export const echoFigures: readonly FigureDefinition[] = [
  { name: "echo_2kb_vs_stock_extism", aim: { least: 10 }, measure: () => versusStock(2_048, false) },
  { name: "echo_100kb_vs_stock_extism", aim: { least: 15 }, measure: () => versusStock(102_400, false) },
  { name: "call_vs_stock_worker", aim: { least: 60 }, measure: () => versusStock(2_048, true) },
];
