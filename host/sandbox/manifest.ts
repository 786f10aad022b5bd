import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";
import { folderLimits } from "#host/limits.ts";
import { hookNames, manifestSection } from "#sdk/abi/hooks.ts";
import { capabilityFunctions, capabilityNames } from "#sdk/abi/host-functions.ts";
import { type Manifest, manifestSchema } from "#sdk/abi/manifest.ts";
import { Rejected, requireWithin, shown } from "./rejected.ts";
import type { FuncType, WasmModule } from "./wasm/module.ts";
import { functionTypeText, typeOfFunction } from "./wasm/signatures.ts";
import { i32 } from "./wasm/value-types.ts";

const validate = new Ajv2020({ allErrors: true }).compile<Manifest>(manifestSchema);

/** Functions in the namespace `extism:host/env` that a module may import only when its manifest says so. */
const namedCapabilities: ReadonlyMap<string, string> = new Map([
  ["extism:host/env.http_request", "http"],
  ...Object.entries(capabilityFunctions).flatMap(([capability, functions]) =>
    Object.keys(functions).map((name) => [`extism:host/user.${name}`, capability] as const),
  ),
]);
const knownCapabilities: ReadonlySet<string> = new Set(capabilityNames);

/**
 * The manifest of a module: its custom section, or else `beside`, the text of the file beside it; null when
 * it has neither. Throws Rejected when it is invalid or does not fit the module.
 */
export function manifestOf(module: WasmModule, beside: string | undefined): Manifest | null {
  const text = manifestText(module, beside);
  if (text === null) return null;
  const manifest = parseManifest(text);
  requireHooks(module, manifest);
  requireCapabilities(module, manifest);
  return manifest;
}

function manifestText({ customs }: WasmModule, beside: string | undefined): string | null {
  const sections = customs.filter(({ name }) => name === manifestSection);
  const [section] = sections;
  if (sections.length + (beside === undefined ? 0 : 1) > 1) {
    throw refused(
      beside === undefined ? "the module has two" : "the module has one inside; remove the file beside it",
    );
  }
  if (section === undefined) return beside ?? null;
  requireWithin(
    { name: "manifestBytes", max: folderLimits.manifestBytes, value: section.bytes.length },
    `custom section ${manifestSection}, bytes`,
  );
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(section.bytes);
  } catch {
    throw refused("not UTF-8");
  }
}

function parseManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw refused(`not JSON: ${thrown instanceof Error ? thrown.message : thrown}`);
  }
  if (isDeeper(value, deepest)) throw refused(`nested deeper than ${deepest} levels`);
  if (validate(value)) return value;
  throw refused((validate.errors ?? []).slice(0, 5).map(describe).join("; "));
}

/** Of arrays and objects inside each other. Whoever prints or compiles a deeper one exhausts the stack. */
const deepest = 64;

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1));
}

function describe({ instancePath, keyword, params, message }: ErrorObject): string {
  const where = instancePath === "" ? "the manifest" : instancePath;
  const { additionalProperty, allowedValue, allowedValues } = params;
  if (keyword === "additionalProperties")
    return `${where} has the unknown key ${JSON.stringify(additionalProperty)}`;
  if (keyword === "const") return `${where} must be ${JSON.stringify(allowedValue)}`;
  if (keyword === "enum") return `${where} must be one of ${JSON.stringify(allowedValues)}`;
  return `${where} ${message ?? keyword}`;
}

/** Each declared hook must be there to be called, and `configure` too when it is there at all. */
function requireHooks(module: WasmModule, manifest: Manifest): void {
  for (const hook of hookNames) {
    const type = exportedFunction(module, hook);
    const declared = hook !== "configure" && manifest.hooks[hook] !== undefined;
    if (type === null) {
      if (declared) throw refused(`/hooks/${hook} is declared, but the module exports no function ${hook}`);
      continue;
    }
    const [result] = type.results;
    const callable = type.params.length === 0 && type.results.length <= 1 && (result ?? i32) === i32;
    if ((declared || hook === "configure") && !callable) {
      throw refused(`export ${hook} is of type ${functionTypeText(type)}; a hook is () -> i32 or () -> ()`);
    }
  }
}

function exportedFunction(module: WasmModule, name: string): FuncType | null {
  const found = module.exports.find((one) => one.name === name && one.kind === "func");
  return found === undefined ? null : typeOfFunction(module, found.index);
}

function requireCapabilities({ imports }: WasmModule, manifest: Manifest): void {
  const declared = manifest.capabilities ?? [];
  const unknown = declared.findIndex((name) => !knownCapabilities.has(name));
  if (unknown >= 0) {
    const known = capabilityNames.join(", ");
    throw refused(`/capabilities/${unknown} is ${JSON.stringify(declared[unknown])}; known are ${known}`);
  }
  for (const { module, name } of imports) {
    const needed = namedCapabilities.get(`${module}.${name}`);
    if (needed !== undefined && !declared.includes(needed)) {
      throw refused(`the module imports ${module}.${name}; add ${JSON.stringify(needed)} to /capabilities`);
    }
  }
}

/** What names of the author's can make longer. */
const longestReason = 1_000;

function refused(reason: string): Rejected {
  return new Rejected("manifest", `manifest: ${shown(reason, longestReason)}`);
}
