import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";
import { type HookName, hookNames } from "../abi/hooks.ts";
import { capabilityNames } from "../abi/host-functions.ts";
import { type Manifest, manifestSchema } from "../abi/manifest.ts";

const validate = new Ajv2020({ allErrors: true, verbose: true }).compile<Manifest>(manifestSchema);
/** Its own, because one mistake in a schema breaks many rules of the schema of schemas. */
const schemas = new Ajv2020({ strict: false, verbose: true });
const capabilities: readonly string[] = capabilityNames;

/** A hook that a manifest declares. */
type DeclaredHook = Exclude<HookName, "configure">;

/** The member of definePlugin that handles a hook. */
const handlerNames: Readonly<Record<DeclaredHook, string>> = {
  pre_request: "preRequest",
  post_request: "postRequest",
  post_request_event: "postRequestEvent",
  error: "error",
  schedule: "schedule",
};

const inDefinition = (hook: DeclaredHook) => `${handlerNames[hook]}()`;

/**
 * What is wrong with a manifest, and between it and the module's exports: each text names the member. `handlerOf` is what the
 * author calls the code of a hook.
 */
export function checkManifest(
  manifest: unknown,
  exports: readonly string[],
  handlerOf: (hook: DeclaredHook) => string = inDefinition,
): string[] {
  if (!validate(manifest)) return (validate.errors ?? []).map(describe);
  const problems: string[] = [];
  for (const hook of hookNames) {
    if (hook === "configure") continue;
    const [isDeclared, isHandled] = [manifest.hooks[hook] !== undefined, exports.includes(hook)];
    if (isDeclared && !isHandled)
      problems.push(`hooks.${hook} is declared, but there is no ${handlerOf(hook)}`);
    if (isHandled && !isDeclared)
      problems.push(
        `${handlerOf(hook)} is never called: declare it as hooks.${hook}, with what it reads and writes`,
      );
  }
  for (const [index, name] of (manifest.capabilities ?? []).entries()) {
    if (!capabilities.includes(name)) {
      problems.push(`capabilities.${index} is ${JSON.stringify(name)}; known are ${capabilities.join(", ")}`);
    }
  }
  if (manifest.configSchema !== undefined && schemas.validateSchema(manifest.configSchema) !== true) {
    const [error] = schemas.errors ?? [];
    if (error) problems.push(describe({ ...error, instancePath: `/configSchema${error.instancePath}` }));
  }
  return problems;
}

function describe({ instancePath, keyword, params, message, data }: ErrorObject): string {
  const member = instancePath.slice(1).replaceAll("/", ".").replaceAll("~1", "/").replaceAll("~0", "~");
  const where = member === "" ? "the manifest" : member;
  const { additionalProperty, allowedValues, missingProperty } = params;
  switch (keyword) {
    case "required":
      return `${[...(member === "" ? [] : [member]), missingProperty].join(".")} is missing`;
    case "additionalProperties":
      return `${[...(member === "" ? [] : [member]), additionalProperty].join(".")} is unknown`;
    case "enum":
      return `${where} is ${JSON.stringify(data)}; it must be one of ${JSON.stringify(allowedValues)}`;
    default:
      return `${where} is ${JSON.stringify(data)}; it ${message}`;
  }
}
