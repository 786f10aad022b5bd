import { dirname } from "node:path";
import type { Plugin } from "esbuild";

/** Of files that exist only while a bundle is made: their names begin with it and a colon. */
export const madeUp = "sandgate-made";

/**
 * zod exports its messages in all languages as one object, so that a bundler has to keep them: half of its code, and more of the
 * memory that a plugin starts with. A plugin gets those in English.
 */
export function zodLocales(): Plugin {
  return {
    name: "zod-locales",
    setup(builder) {
      builder.onResolve({ filter: /\/locales\/index\.js$/ }, ({ importer, resolveDir }) =>
        /[\\/]zod[\\/]v4[\\/]/.test(importer)
          ? { path: "zod-locales", namespace: madeUp, pluginData: dirname(resolveDir), sideEffects: false }
          : undefined,
      );
      builder.onLoad({ filter: /^zod-locales$/, namespace: madeUp }, ({ pluginData: resolveDir }) => ({
        contents: 'export { default as en } from "./locales/en.js";',
        resolveDir,
      }));
    },
  };
}
