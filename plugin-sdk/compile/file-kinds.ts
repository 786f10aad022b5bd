import type { Plugin } from "esbuild";

/** What the bundler would take, or refuse without a reason, and a plugin has no use for. */
const refused: Readonly<Record<string, string>> = {
  css: "a plugin has no page for a style sheet",
  html: "a plugin has no page; import it as .txt if its text is wanted",
  node: "a plugin cannot load native code",
  wasm: "a plugin cannot load another module",
};

/** Says of files that make no sense in a plugin why they do not; `.json` and `.txt` are values of the code. */
export function fileKinds(): Plugin {
  return {
    name: "file-kinds",
    setup(builder) {
      const filter = new RegExp(`\\.(${Object.keys(refused).join("|")})$`);
      builder.onLoad({ filter }, ({ path }) => {
        const reason = refused[filter.exec(path)?.[1] ?? ""];
        return { errors: [{ text: `cannot import ${JSON.stringify(nameOf(path))}: ${reason}` }] };
      });
    },
  };
}

function nameOf(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}
