import { pluginModule } from "./modules.ts";
import { type OpenOptions, type OpenPlugin, openModule } from "./open-module.ts";

export { StepFailure } from "../../host/pipeline/step-failure.ts";
export { CompileFailed } from "../compile/problem.ts";
export type { Given } from "./given.ts";
export type { LogLine, OpenOptions, OpenPlugin, PluginCall, RawCall } from "./open-module.ts";
export { PluginRefused } from "./plugin-refused.ts";
export type { HttpAnswer, HttpScript, SentRequest } from "./scripted-http.ts";

/**
 * Binds a plugin in the gateway's own sandbox, with the gateway's own capabilities in memory. `file` is a `.wasm`, or the
 * source, which is compiled. Close it, or declare it with `await using`.
 * @throws {PluginRefused} when the gateway would refuse the module, its config or its grants
 * @throws {CompileFailed}
 */
export async function openPlugin(file: string, options: OpenOptions = {}): Promise<OpenPlugin> {
  return openModule(await pluginModule(file), options);
}
