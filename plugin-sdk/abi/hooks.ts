/**
 * The exports of a plugin that the host calls: `configure` once per binding, `schedule` from time to time, the others per
 * request, `post_request_event` for each event of a stream.
 */
export const hookNames = [
  "configure",
  "pre_request",
  "post_request",
  "post_request_event",
  "error",
  "schedule",
] as const;
export type HookName = (typeof hookNames)[number];

/** A hook that runs inside a request, so one that a plan has steps for. */
export const stageHooks = [
  "pre_request",
  "post_request",
  "post_request_event",
  "error",
] as const satisfies readonly HookName[];
export type StageHook = (typeof stageHooks)[number];

/** The custom section of a `.wasm` that carries the manifest as JSON (UTF-8). */
export const manifestSection = "sandgate.manifest";

/** The contract's version. A manifest that names another one is refused at load. */
export const abiVersion = 1;
