import { decodeModule } from "#host/sandbox/wasm/decode.ts";
import { encodeModule } from "#host/sandbox/wasm/encode.ts";
import type { HookOutput } from "#sdk/abi/effects.ts";
import { abiVersion, type HookName, manifestSection } from "#sdk/abi/hooks.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";
import { assembleWat, env, helpersWat } from "./sandbox/fixture.ts";

/** What a hook does: puts out these effects, or runs these instructions (text format, result i32). */
export type HookBody = HookOutput["effects"] | string;

export type WatPlugin = Partial<Manifest> & Pick<Manifest, "name" | "hooks">;

/**
 * A real plugin in few bytes: each hook puts out what it is told, or does what its instructions say. `$puts`
 * (address, length) puts a text of the memory out; imports and functions of the sandbox's fixtures are there.
 */
export function watPlugin(
  manifest: WatPlugin,
  bodies: Partial<Record<HookName, HookBody>>,
  members = "",
): Uint8Array {
  let address = 16;
  const data: string[] = [];
  const functions = Object.entries(bodies).map(([hook, body]) => {
    if (typeof body === "string") return `(func (export "${hook}") (result i32) ${body})`;
    const bytes = Buffer.from(JSON.stringify({ effects: body }));
    data.push(`(data (i32.const ${address}) "${escaped(bytes)}")`);
    const code = `(call $puts (i32.const ${address}) (i32.const ${bytes.length})) (i32.const 0)`;
    address += bytes.length;
    return `(func (export "${hook}") (result i32) ${code})`;
  });
  const puts = "(func $puts (param i32 i32) (call $answer (call $block (local.get 0) (local.get 1))))";
  const text = `(module ${env} (memory 4) ${helpersWat} ${puts} ${members} ${data.join(" ")} ${functions.join(" ")})`;
  return withManifest(assembleWat(text), { version: "1.0.0", abi: abiVersion, ...manifest });
}

/** The module with this manifest inside. */
export function withManifest(bytes: Uint8Array, manifest: object): Uint8Array {
  const module = decodeModule(bytes, () => {});
  const section = { name: manifestSection, bytes: Buffer.from(JSON.stringify(manifest)) };
  return encodeModule({ ...module, customs: [...module.customs, section] });
}

function escaped(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
}
