/**
 * Every limit of the gateway: the unit is in the name, the reason beside it. docs/limits.md explains
 * what to do when one of them hits.
 */

const kib = 1024;
const mib = 1024 * kib;

export const bytesPerMb = mib;
/** A page of wasm memory is 64 KiB. */
export const pagesPerMb = 16;

/** Of a `.wasm`, checked before and after the meter has rewritten it. */
export const moduleLimits = {
  /** The largest plugin of a TypeScript bundle is about 1 MiB; V8 compiles 4 MiB in well under a second. */
  moduleBytes: 4 * mib,
  moduleBytesHard: 16 * mib,
  /** What metering may make of the largest; it about doubles real code. */
  meteredModuleBytes: 64 * mib,
  functions: 20_000,
  /** V8 aborts the process past 2,000,000 types in all modules together. */
  types: 4_000,
  /** Of one function type: V8's own. */
  typeParameters: 1_000,
  /**
   * Results of one function type, and parameters of a block: each branch to it moves all of them, for the fuel of
   * one instruction. With 1,000 a slice of fuel takes 30 ms instead of 0.5; compilers use one, rarely up to ten.
   */
  typeResults: 32,
  /** Parameters and results of all function types: 4,000 types of 1,000 keep the host busy for 350 ms. */
  typeValues: 65_536,
  imports: 128,
  exports: 512,
  /** UTF-16 units of all export names: V8 makes a string of each name for each instance. */
  exportNameChars: 65_536,
  globals: 2_000,
  /** Each is copied for each instance, 0.1 us at least; a TypeScript plugin has some thousands. */
  dataSegments: 16_384,
  elementSegments: 10_000,
  /** Of all segments together: as many as tables may hold. Each costs 0.2 us per instance. */
  elementItems: 32_768,
  customSections: 1_000,
  /** Official extism-js modules of 2024 have two. */
  tables: 8,
  tableElements: 32_768,
  memories: 1,
  /** 16 MiB; a TypeScript plugin starts with 1.3. A page is 64 KiB. */
  memoryPages: 256,
  memoryPagesHard: 1_024,
  localsPerFunction: 2_000,
  /** Runs of locals of one type, in all functions: one may be of no locals, and two million fit into the file. */
  localRuns: 262_144,
  /** Values on the operand stack at once; compilers rarely need a hundred. */
  operandsPerFunction: 4_000,
  nestingPerFunction: 4_096,
  branchTableTargets: 8_192,
  functionBytes: 512 * kib,
  meteredFunctionBytes: 4 * mib,
  /**
   * (locals + operands + 1) at each place where control flow joins, summed: V8's baseline compiler keeps
   * the state of each value for each of them. 50,000 locals x 500 merges cost 626 MB, 20,000 operands x 5,000 2.3 GB.
   */
  localsTimesMerges: 1_000_000,
  /** A check of the meter is one more place where control flow joins. */
  meteredLocalsTimesMerges: 3_000_000,
  /**
   * Work of V8 for branches and calls: values that it moves or compares, summed, and for a call the square of its
   * parameters. 260,000,000 take it 430 ms.
   */
  branchedValues: 20_000_000,
  /** Fuel is one more parameter and result. */
  meteredBranchedValues: 25_000_000,
  /** The same for all functions of a module: a thousand times what is allowed to one compiles for minutes. */
  moduleLocalsTimesMerges: 20_000_000,
  meteredModuleLocalsTimesMerges: 60_000_000,
  moduleBranchedValues: 60_000_000,
  meteredModuleBranchedValues: 80_000_000,
} as const;

/** Of one call into a plugin. */
export const callLimits = {
  /** One unit is one wasm instruction: 15 to 135 ms of compiled code; see docs/decisions/0008-default-fuel.md. */
  fuel: 500_000_000,
  /** 10 us of optimised code between two chances for the event loop; less fuel while that takes over 0.5 ms. */
  sliceFuel: 250_000,
  deadlineMs: 2_000,
  hostCalls: 10_000,
  inputBytes: 16 * mib,
  /** Of one block that a host function reads: copying and decoding more would keep the event loop waiting. */
  hostReadBytes: 4 * mib,
  /** The same for text: what is no UTF-8 takes 14 ns a byte. */
  hostTextBytes: 256 * kib,
  outputBytes: mib,
  errorBytes: 8 * kib,
  logLines: 100,
  logBytes: 64 * kib,
  varEntries: 256,
  varKeyBytes: 256,
  varValueBytes: 64 * kib,
  varTotalBytes: mib,
  /** The kernel's own memory, for the blocks a call allocates. */
  kernelPages: 512,
} as const;

/** Of the `http` capability, per call into a plugin. What is sent at once has each of them together too. */
export const egressLimits = {
  /** One after the other or at once: a plugin is suspended while it waits. */
  requests: 8,
  /** In a list to be sent at once; those over `requests` are answered without being sent. */
  listed: 256,
  /** URL and headers of a request, as the plugin's JSON: servers refuse far less. */
  headChars: 64 * kib,
  requestBytes: mib,
  responseBytes: 4 * mib,
  headers: 64,
  timeoutMs: 10_000,
} as const;

/** Of the process. */
export const processLimits = {
  /** Of three memories: the plugin's, its kernel's, and the marks. Each reserves 8 GiB of address space; V8 fails at 16,363. */
  instances: 5_000,
  /** Of one binding: with more calls at once, the rest wait in its queue. */
  instancesPerBinding: 64,
  queuedCallsPerBinding: 1_000,
  /** V8 aborts the process at about 32,000 suspended stacks. */
  suspensions: 2_000,
  /** Of the machine's memory, or the container's: what memories of plugins and kernels may have together. */
  memoryShare: 0.5,
  /** Distinct function types of all modules ever loaded; V8 keeps each and aborts the process past 2,000,000. */
  wasmTypes: 1_500_000,
} as const;

/** Of one tenant, whose plugins share it. */
export const tenantLimits = {
  /** Beside the other tenants that want the CPU at the same time. */
  weight: 1,
  /** Half of what the process has for everything. */
  cpuMsPerSecond: 500,
  /** Running or suspended at once; the process has 2,000. */
  calls: 64,
} as const;

/** Of a binding whose plugin keeps failing. */
export const quarantineLimits = {
  /** In a row: one request that a plugin cannot stand does not cut it off for the others. */
  failures: 10,
  firstMs: 1_000,
  /** A plugin that was replaced or whose trouble is over is back within a minute. */
  longestMs: 60_000,
} as const;

/** Of one client request. */
export const requestLimits = {
  bodyBytes: 10 * mib,
  headerBytes: 32 * kib,
  /** A body nested deeper breaks parsers behind us; real requests stay under 100. */
  jsonDepth: 256,
  /** Slow headers and slow bodies end here. */
  requestTimeoutMs: 60_000,
  headersTimeoutMs: 10_000,
  pathBytes: 8 * kib,
  /** The rest of an upload is read this long after an early answer, so that no reset takes the answer away. */
  lingerMs: 2_000,
  /** What running requests have to end when the gateway stops. */
  stopGraceMs: 30_000,
} as const;

/** Of what effects add up to in one request. */
export const effectLimits = {
  /** Names and values, of its request or its answer; servers and clients mostly take 16 KiB. */
  headerBytes: 64 * kib,
  /** Names and values: events of a stream may set more of them for hours. */
  tagBytes: 64 * kib,
} as const;

/** Of all JSON Patches of one call: the plugin chooses the operations and the client the body that they walk over. */
export const patchLimits = {
  /**
   * Members that they copy or compare, those of an object with over 128 for 50 each and of one with over 1,000 for 100: some
   * 100 ms of CPU at worst.
   */
  work: 10_000_000,
  /** JSON text of all values that they copy, or move deeper. */
  copiedChars: 16 * mib,
} as const;

/** Of one exchange with an upstream; a service may set its own timeouts. */
export const upstreamLimits = {
  connectTimeoutMs: 5_000,
  /** A reasoning model may think for minutes before it answers. */
  headersTimeoutMs: 300_000,
  bodyTimeoutMs: 300_000,
  connectionsPerTarget: 256,
  /** What a plugin that reads `response.body` makes the host hold. */
  bufferedBodyBytes: 16 * mib,
  sseEventBytes: mib,
  /** Of an answer in JSON that is read before any of it goes on: a chat is a few KiB, a batch of embeddings is longer. */
  wholeBodyBytes: 256 * kib,
  /** Of an answer that is not a stream, kept to read its usage; only large batches of embeddings are longer. */
  usageBodyBytes: 2 * mib,
  /** Of a 4xx or 5xx; a longer one is not an API's error. */
  errorBodyBytes: 64 * kib,
} as const;

/** Of one step that gets the events of one stream. */
export const streamLimits = {
  /** What waits for a later decision, as it came: some pages of text. */
  heldBytes: 64 * kib,
  heldEvents: 1_000,
  /** A client that sees nothing for longer takes the model for stuck. */
  holdMs: 2_000,
  /** All calls of one stream together: 30 ms for each of 10,000 events. */
  stepMs: 300_000,
  /** What it reads beside the event is handed over with each of them. */
  besideEventChars: 64 * kib,
} as const;

/** Of a target that keeps failing. */
export const targetLimits = {
  /** In a row, before it rests: one reset is no outage. */
  failures: 3,
  firstRestMs: 1_000,
  /** A target that is back is asked again within a minute. */
  longestRestMs: 60_000,
} as const;

/** Of the attempts of one request, where its service does not say otherwise. */
export const attemptLimits = {
  /** The first one included. */
  attempts: 3,
  /** From the first attempt to the beginning of the last. */
  totalMs: 60_000,
} as const;

/** Of what plugins keep. A namespace is what one binding has of `kv` or of `counters`. */
export const storeLimits = {
  /** Of a namespace: a counter for each of so many consumers or addresses. */
  entries: 100_000,
  keyBytes: 512,
  valueBytes: 64 * kib,
  /** What an entry takes beside its key and its value: the map, the objects, the two strings' heads. */
  entryOverheadBytes: 128,
  /** Room for 100,000 counters with keys of 150 bytes. */
  namespaceBytes: 32 * mib,
  /** Of all namespaces of one tenant, so that none takes the room of the others. */
  tenantBytes: 128 * mib,
  /** Everything is held in memory too. */
  storeBytes: 512 * mib,
  /** From a change to its way to the disk. With the writing of 100,000 changes it is there within a second. */
  flushMs: 200,
  /** A disk that is full is tried again at least so often. */
  retryMs: 10_000,
  /** What a gateway that stops may need to let go of the file when the next one starts. */
  openTimeoutMs: 2_000,
} as const;

/** Of the `cache` capability: what is over them pushes out what was not used for longest. */
export const cacheLimits = {
  keyBytes: 512,
  valueBytes: 256 * kib,
  /** What all bindings of one tenant share. */
  tenantBytes: 32 * mib,
} as const;

/** Of the `metrics` capability. What is over them is dropped, and a line of the log says so. */
export const metricLimits = {
  /** Lines on /metrics; a histogram has one for each of its buckets. */
  linesPerBinding: 400,
  /** Of all bindings together: they are rendered at once, in some ms. */
  lines: 20_000,
  /** Of one call of `metrics_record`. */
  recordBytes: 4 * kib,
  nameChars: 64,
  labels: 8,
  labelValueChars: 128,
} as const;

/** Of the `crypto` capability. The event loop waits for each of its functions. */
export const cryptoLimits = {
  /** SHA-512 takes 1.5 ms for it. */
  dataBytes: mib,
  /** A PEM of RSA with 4,096 bits has 800 bytes, a certificate some 2,000. */
  keyBytes: 8 * kib,
  /** Base64url of an RSA signature with 4,096 bits has 683. */
  signatureBytes: kib,
  /** RFC 7518 3.3 asks for no less; breaking 1,024 bits is within reach. */
  rsaBitsLeast: 2_048,
  /** Time grows with the square: 16,384 bits take 1 ms. */
  rsaBits: 4_096,
  /** Bits of the public exponent: everybody uses 65,537, and one of 4,096 bits takes 40 times as long. */
  rsaExponentBits: 32,
} as const;

/** Of the header that says what the steps of a request did. */
export const debugLimits = {
  /** Clients of Node take 16 KiB of headers, and nginx 8 of one. */
  headerBytes: 8 * kib,
  /** Of one step; the rest is counted. */
  effects: 20,
  /** An effect with its name, which may have 256 characters. */
  nameChars: 80,
} as const;

/** When steps that may be left out are. */
export const sheddingLimits = {
  /** What the plugins of one request may make its client wait; `limits.plugins.requestMs` of the config. */
  requestMs: 5_000,
  /** What an essential step has when nothing of it is left: hooks that only compute take less than a millisecond. */
  essentialMs: 100,
  /** The median of a second. A turn of the event loop takes less than one millisecond when all is well. */
  loopDelayMs: 100,
  /** Of the calls that the process or a tenant may have, and of the queue of a binding: the rest is for steps that matter. */
  usedShare: 0.8,
} as const;

/** Of hooks that run from time to time. */
export const scheduleLimits = {
  /** A manifest that asks for more often gets this; a config is refused. */
  leastMs: 100,
  /** Of the time between two runs: by up to so much each is late, so that those of many bindings do not meet. */
  jitterShare: 0.1,
  /** From the start to the first run at most, however seldom it runs. */
  firstMs: 10_000,
  /** By up to so much a run by cron is late, for the same reason. */
  cronJitterMs: 1_000,
  /** How often the clock is looked at: no timer knows that it was set, or that the machine has slept. */
  lookMs: 30_000,
  /** A clock that is set back by less repeats no time of cron; one that was further off is started with anew. */
  setBackMs: 3_600_000,
} as const;

/** Of the plugin folders. */
export const folderLimits = {
  /** Of all folders together; each file may hold 4 MiB of module in memory. */
  files: 500,
  /** Of `NAME.manifest.json`; half of it for a config schema of the largest size. */
  manifestBytes: 128 * kib,
} as const;

export { configLimits } from "#config/limits.ts";
