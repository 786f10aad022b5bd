import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { test } from "node:test";
import { effectTypes } from "../docs/reference.ts";

const root = join(import.meta.dirname, "..");
const files = globSync("{host,config,plugin-sdk,plugins}/**/*.{ts,js}", {
  cwd: root,
  exclude: (path) => /node_modules|\/build\/|engine\/shim/.test(path),
}).sort();

/**
 * Which files a room's files may import, and which packages (`node:` included). The longest matching room counts.
 * Rooms and files are paths; a room may always import itself.
 */
const rooms: Readonly<
  Record<string, { readonly files?: readonly string[]; readonly packages?: readonly string[] }>
> = {
  "config/": { packages: ["node:*", "yaml", "zod", "leven", "ajv", "ajv-formats", "croner"] },
  "plugin-sdk/abi/": {},
  "plugin-sdk/": { files: ["plugin-sdk/abi/"], packages: ["@standard-schema/spec", "extism:host"] },
  "plugin-sdk/runtime/": {
    files: ["plugin-sdk/"],
    packages: ["whatwg-url", "@noble/hashes", "@ungap/structured-clone"],
  },
  "plugin-sdk/engine/": {
    files: ["plugin-sdk/", "host/sandbox/wasm/"],
    packages: ["node:*", "assemblyscript", "quickjs-wasi"],
  },
  "plugin-sdk/compile/": {
    files: ["plugin-sdk/", "host/sandbox/wasm/"],
    packages: ["node:*", "esbuild", "ajv", "quickjs-wasi"],
  },
  "plugin-sdk/package/": { files: ["plugin-sdk/engine/engine.ts"], packages: ["node:*"] },
  "plugin-sdk/templates/": { packages: ["@sandgate/plugin-sdk"] },
  "plugin-sdk/testing/": { files: ["plugin-sdk/", "host/", "config/"], packages: ["node:*", "zod"] },
  "plugins/": { packages: ["@sandgate/plugin-sdk"] },
  "host/resolve/": { files: ["config/", "plugin-sdk/abi/"] },
  "host/sandbox/wasm/": {},
  "host/sandbox/": {
    files: ["host/limits.ts", "host/capabilities/capability.ts", "plugin-sdk/abi/"],
    packages: ["node:*", "@extism/extism", "ajv"],
  },
  "host/capabilities/": {
    files: [
      "host/json.ts",
      "host/limits.ts",
      "host/repeats-secret.ts",
      "host/store/",
      "config/",
      "plugin-sdk/abi/",
    ],
    packages: ["node:*", "undici", "zod", "ipaddr.js"],
  },
  "host/store/": { files: ["host/limits.ts"], packages: ["node:*"] },
  "host/pipeline/": {
    files: [
      "host/credentials.ts",
      "host/errors.ts",
      "host/exchange.ts",
      "host/json.ts",
      "host/limits.ts",
      "host/stream-event.ts",
      "host/surface.ts",
      "host/resolve/",
      "host/sandbox/outcome.ts",
      "host/sandbox/pool.ts",
      "plugin-sdk/abi/",
    ],
    packages: ["node:perf_hooks", "ajv"],
  },
  "host/upstream/": {
    files: [
      "host/credentials.ts",
      "host/errors.ts",
      "host/json.ts",
      "host/limits.ts",
      "host/repeats-secret.ts",
      "host/stream-event.ts",
      "host/surface.ts",
      "host/resolve/request-path.ts",
      "config/",
      "plugin-sdk/abi/",
    ],
    packages: ["node:*", "undici", "zod", "eventsource-parser"],
  },
  "host/observe/": {
    files: [
      "host/capabilities/metrics.ts",
      "host/errors.ts",
      "host/exchange.ts",
      "host/limits.ts",
      "host/pipeline/",
      "host/sandbox/log-lines.ts",
      "config/",
    ],
    packages: ["node:*", "pino", "zod", "@prometheus-io/client"],
  },
  "host/cli/": {
    files: ["host/", "config/", "plugin-sdk/", "package.json"],
    packages: ["node:*", "commander", "zod"],
  },
  "host/": { files: ["host/", "config/", "plugin-sdk/abi/"], packages: ["node:*"] },
  "host/server.ts": { files: ["host/", "config/"], packages: ["node:*", "fastify"] },
  "host/handle.ts": { files: ["host/", "plugin-sdk/abi/"], packages: ["node:perf_hooks"] },
  "host/watch.ts": { files: ["host/"], packages: ["node:*", "chokidar"] },
};

/** Packages that live in one file. */
const homes: Readonly<Record<string, string>> = {
  "@extism/extism": "host/sandbox/extism.ts",
  fastify: "host/server.ts",
  chokidar: "host/watch.ts",
  pino: "host/observe/log.ts",
  "@prometheus-io/client": "host/observe/metrics.ts",
  "ipaddr.js": "host/capabilities/egress.ts",
  leven: "config/suggest.ts",
  croner: "config/cron.ts",
};

type Import = { readonly from: string; readonly to: string; readonly kind: "file" | "package" };

const imports: readonly Import[] = files.filter((file) => !file.endsWith(".test.ts")).flatMap(importsOf);

function importsOf(from: string): Import[] {
  const text = readFileSync(join(root, from), "utf8");
  const specifiers = [
    ...text.matchAll(
      /^(?:import|export)\b[^"';]*?from\s+"([^"]+)"|^import\s+"([^"]+)"|import\("([^"]+)"\)/gm,
    ),
  ];
  return specifiers.map((match) => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? "";
    if (specifier.startsWith("."))
      return { from, to: normalize(join(dirname(from), specifier)), kind: "file" };
    const inside = /^#(host|config|sdk)\/(.*)$/.exec(specifier);
    if (inside)
      return { from, to: `${inside[1] === "sdk" ? "plugin-sdk" : inside[1]}/${inside[2]}`, kind: "file" };
    const name = specifier.startsWith("node:")
      ? specifier
      : specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
    return { from, to: name, kind: "package" };
  });
}

function roomOf(file: string): string {
  const found = Object.keys(rooms).filter((room) => file.startsWith(room));
  return found.sort((a, b) => b.length - a.length)[0] ?? "";
}

function isAllowed({ from, to, kind }: Import): boolean {
  const name = roomOf(from);
  const room = rooms[name];
  if (room === undefined) return false;
  if (kind === "file") return to.startsWith(name) || dirname(to) === dirname(from) || within(room.files, to);
  return (room.packages ?? []).some((allowed) =>
    allowed === "node:*" ? to.startsWith("node:") : allowed === to,
  );
}

function within(allowed: readonly string[] = [], to: string): boolean {
  return allowed.some((prefix) => (prefix.endsWith("/") ? to.startsWith(prefix) : to === prefix));
}

test("every import goes where the table of rooms lets it", () => {
  assert.ok(imports.length > 200, "the imports were found");
  const wrong = imports.filter((one) => !isAllowed(one));
  assert.deepEqual(
    wrong.map(({ from, to }) => `${from} imports ${to}`),
    [],
  );
});

test("one library, one home", () => {
  const wrong = imports.filter(
    ({ to, from, kind }) => kind === "package" && homes[to] !== undefined && homes[to] !== from,
  );
  assert.deepEqual(wrong, []);
});

test("nothing imports in a circle", () => {
  const byFile = Map.groupBy(
    imports.filter(({ kind }) => kind === "file"),
    ({ from }) => from,
  );
  const done = new Set<string>();
  const circles: string[] = [];
  function visit(file: string, path: readonly string[]): void {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
    if (done.has(file) || path.includes(file)) return;
    for (const { to } of byFile.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  }
  for (const file of byFile.keys()) visit(file, []);
  assert.deepEqual(circles, []);
});

test("only the sandbox names WebAssembly, and only the compiler beside it", () => {
  const wrong = files.filter(
    (file) =>
      !/^(host\/sandbox\/|plugin-sdk\/(compile|engine)\/)/.test(file) &&
      !file.endsWith(".test.ts") &&
      /\bWebAssembly\./.test(readFileSync(join(root, file), "utf8")),
  );
  assert.deepEqual(wrong, []);
});

test("the host knows no plugin by its name", () => {
  // A plugin may be called as the effect that it asks for.
  const names = globSync("plugins/*/plugin.ts", { cwd: root })
    .map((file) => file.split("/")[1] ?? "")
    .filter((name) => !effectTypes.includes(name));
  assert.ok(names.length >= 3);
  const wrong = files
    .filter((file) => file.startsWith("host/"))
    .flatMap((file) => {
      const text = readFileSync(join(root, file), "utf8");
      return names.filter((name) => text.includes(name)).map((name) => `${file} names ${name}`);
    });
  assert.deepEqual(wrong, []);
});

test("no barrels, no default exports, no file or folder for everything else", () => {
  const banned = /(^|\/)(utils?|helpers?|common|misc|shared)(\.ts|\/)/;
  const wrong = files.filter((file) => {
    const text = readFileSync(join(root, file), "utf8");
    const isPlugin = /^(plugins|plugin-sdk\/templates)\//.test(file);
    return banned.test(file) || /^export \*/m.test(text) || (!isPlugin && /^export default/m.test(text));
  });
  assert.deepEqual(wrong, []);
});

test("what lies in another top-level folder is imported by its # name", () => {
  const wrong = imports.filter(({ from, to, kind }) => {
    // A package of its own cannot use the names of the workspace.
    if (kind !== "file" || from.startsWith("plugin-sdk/") || to === "package.json") return false;
    const top = (file: string) => file.split("/")[0];
    return (
      top(from) !== top(to) &&
      readFileSync(join(root, from), "utf8").includes(`"${relative(dirname(from), to)}"`)
    );
  });
  assert.deepEqual(wrong, []);
});
