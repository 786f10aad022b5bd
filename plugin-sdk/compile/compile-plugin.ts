import { basename, dirname, resolve } from "node:path";
import { decodeModule } from "../../host/sandbox/wasm/decode.ts";
import type { WasmModule } from "../../host/sandbox/wasm/module.ts";
import { manifestSection } from "../abi/hooks.ts";
import type { Manifest } from "../abi/manifest.ts";
import { loadEngine } from "../engine/engine.ts";
import { pluginPart } from "../engine/plugin-part.ts";
import { writePositions } from "../runtime/origin.ts";
import type { About } from "../runtime/start.ts";
import { bundle } from "./bundle.ts";
import { createGuest, type Guest, type GuestHost } from "./guest.ts";
import { type HostUses, hostUses } from "./host-uses.ts";
import { linkPlugin } from "./link-plugin.ts";
import { checkManifest } from "./manifest.ts";
import { positionsOf } from "./positions.ts";
import { CompileFailed, codeFrame, type Problem, wholeFile } from "./problem.ts";
import { inputsSection, sourceMapSection } from "./source-map.ts";
import { problemOfThrown } from "./thrown.ts";
import type { Weight } from "./weights.ts";

export type CompiledPlugin = {
  /** An Extism module. The same source gives the same bytes everywhere. */
  readonly wasm: Uint8Array;
  /** Null for a module of plain functions. */
  readonly manifest: Manifest | null;
  readonly exports: readonly string[];
  /** Absolute paths of all sources. */
  readonly inputs: readonly string[];
  /** What its code consists of, the largest first. */
  readonly weights: readonly Weight[];
  readonly warnings: readonly Problem[];
};

export type CompileOptions = {
  /** What the plugin logs while it starts; levels from 0, trace, to 4, error. Default: standard error. */
  readonly note?: GuestHost["note"];
};

/** Of the plugin's own code at the top level of its files. */
const startDeadlineMs = 5_000;
/**
 * Memory that the engine has at hand before it must grow. An instance whose memory grew cannot be used again, so
 * usual requests should fit.
 */
const headroomBytes = 512 * 1024;

/** Compiles the file of a plugin. @throws CompileFailed */
export async function compilePlugin(file: string, options: CompileOptions = {}): Promise<CompiledPlugin> {
  const entry = resolve(file);
  const [engine, bundled] = await Promise.all([engineOnce(), bundle(entry)]);
  const host: GuestHost = { note: options.note ?? printNote, deadlineMs: startDeadlineMs };
  const positions = positionsOf(bundled.map);
  const context = { folder: dirname(entry), file: basename(entry), positions, deadlineMs: startDeadlineMs };

  // Parsing leaves garbage behind, which a snapshot would carry: another engine runs what this one compiled.
  const compiled = (await createGuest(engine.module, host)).compile(bundled.code);
  if ("thrown" in compiled) throw new CompileFailed([await problemOfThrown(compiled.thrown, context)]);
  const guest = await createGuest(engine.module, host);
  const uses = hostUses(bundled.code, positions);
  const facts = { positions: writePositions(positions), uses: uses.sources.join() };
  const thrown = guest.start(compiled.bytecode, facts);
  if (thrown !== null) throw new CompileFailed([await problemOfThrown(thrown, context)]);

  const { manifest, exports } = checkedAbout(guest, basename(entry));
  const wasm = linkPlugin(engine.decoded, {
    memory: guest.finish(headroomBytes),
    exports,
    used: guest.used(),
    customs: [
      ...(manifest === null ? [] : [section(manifestSection, JSON.stringify(manifest))]),
      section(inputsSection, JSON.stringify(bundled.inputSizes)),
      section(sourceMapSection, JSON.stringify(bundled.map)),
    ],
  });
  const undeclared = await undeclaredCapabilities(manifest, uses, dirname(entry));
  const { inputs, weights, warnings } = bundled;
  return { wasm, manifest, exports, inputs, weights, warnings: [...warnings, ...undeclared] };
}

/** A warning for each capability that the code uses and the manifest does not name. */
async function undeclaredCapabilities(
  manifest: Manifest | null,
  { capabilities }: HostUses,
  folder: string,
): Promise<Problem[]> {
  if (manifest === null) return [];
  const undeclared = [...capabilities].filter(([name]) => !manifest.capabilities?.includes(name));
  return Promise.all(
    undeclared.map(async ([name, origin]) => ({
      ...origin,
      text: `host.${name} throws here: definePlugin has no "${name}" in capabilities`,
      frame: await codeFrame(folder, origin),
      notes: [],
    })),
  );
}

function checkedAbout(guest: Guest, file: string): { manifest: Manifest | null; exports: readonly string[] } {
  const about = parseAbout(guest.metadata());
  if (about === null) throw new CompileFailed([wholeFile(file, lostAbout)]);
  const { manifest, exports } = about;
  const problems = [...about.problems, ...(manifest === null ? [] : checkManifest(manifest, exports))];
  if (exports.includes("memory"))
    problems.push("a function cannot be exported as memory: the module's memory has this name");
  if (problems.length > 0) throw new CompileFailed(problems.map((text) => wholeFile(file, text)));
  return { manifest: manifest as Manifest | null, exports };
}

const lostAbout =
  "what it exports cannot be told: its code has changed what is built in, as JSON.stringify or Object.entries";

/** Null when the text is not what `start.ts` writes: code of the plugin ran before it. */
function parseAbout(text: string | null): About | null {
  try {
    const about = JSON.parse(text ?? "null") as Partial<About> | null;
    const isWhole = Array.isArray(about?.exports) && Array.isArray(about.problems);
    return isWhole && about.manifest !== undefined ? (about as About) : null;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}

type Engine = { readonly module: WebAssembly.Module; readonly decoded: WasmModule };

let engine: Promise<Engine> | null = null;

function engineOnce(): Promise<Engine> {
  engine ??= loadEngine().then(async (bytes) => ({
    module: await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>),
    decoded: pluginPart(decodeModule(bytes)),
  }));
  return engine;
}

function section(name: string, text: string) {
  return { name, bytes: new TextEncoder().encode(text) };
}

const levels = ["trace", "debug", "info", "warn", "error"];

function printNote(level: number, text: string): void {
  process.stderr.write(`${levels[level] ?? level}: ${text}\n`);
}
