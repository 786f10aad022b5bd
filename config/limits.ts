const kib = 1024;
const mib = 1024 * kib;

/** Of the configuration. */
export const configLimits = {
  fileBytes: 4 * mib,
  /** What `${file:…}` reads: a key, a token, a certificate. */
  secretFileBytes: 64 * kib,
  /** Scalars and collections with aliases expanded; ten nested aliases of nine make 3,486,784,401. */
  values: 200_000,
  /** The parser's own recursion ends near 1,000; a plugin's config of real use stays under 10. */
  depth: 64,
  /** Reported at once; each costs a walk through the file. */
  problems: 100,
  /** A plugin's own JSON Schema may hold a hostile `pattern`: 2.3 s on 27 characters without this. */
  schemaCheckMs: 200,
  /** The compiler's code grows with the schema: the largest bundled one is 3 KiB. */
  pluginSchemaBytes: 64 * kib,
  pluginSchemaDepth: 32,
  plansInMemory: 10_000,
  /** Paths x hosts x models of a route, of all routes together; about 200 bytes each. */
  routeTableEntries: 200_000,
  /** Of routes and consumers that differ in their parallel steps, checked for conflicting writes: about 10 us each. */
  parallelCombinations: 20_000,
  /** Bindings that merging makes beyond those that are written: each has a pool and is configured at load. */
  mergedBindings: 2_000,
} as const;
