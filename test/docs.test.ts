import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { configLimits } from "#config/limits.ts";
import { configSchema } from "#config/schema.ts";
import { errorTable } from "#host/errors.ts";
import {
  attemptLimits,
  cacheLimits,
  callLimits,
  cryptoLimits,
  debugLimits,
  egressLimits,
  folderLimits,
  metricLimits,
  moduleLimits,
  processLimits,
  quarantineLimits,
  requestLimits,
  scheduleLimits,
  sheddingLimits,
  storeLimits,
  targetLimits,
  tenantLimits,
  upstreamLimits,
} from "#host/limits.ts";

import { standardImports } from "#host/sandbox/link.ts";
import { effectTypes, referenceFiles } from "../docs/reference.ts";

const root = join(import.meta.dirname, "..");
const pages = [
  "README.md",
  "ARCHITECTURE.md",
  "CHANGELOG.md",
  ...globSync("{docs,plugins}/**/*.md", { cwd: root }),
].map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }));

const page = (name: string) => pages.find(({ file }) => file === name)?.text ?? "";

/** The rows of all tables of a page whose first cell is code: name to the other cells. */
function rowsOf(text: string): Map<string, string[]> {
  const rows = [...text.matchAll(/^\| `([^`]+)` \|(.*)\|$/gm)];
  return new Map(rows.map(([, name = "", rest = ""]) => [name, rest.split("|").map((cell) => cell.trim())]));
}

function blocksOf(language: string): { file: string; code: string }[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms");
  return pages.flatMap(({ file, text }) =>
    [...text.matchAll(fence)].map(([, code = ""]) => ({ file, code })),
  );
}

test("docs/errors.md lists every error with its status, blame and whether to retry", () => {
  const rows = rowsOf(page("docs/errors.md"));
  const written = [...rows].map(([code, cells]) => [code, ...cells.slice(0, 3)]);
  const actual = Object.entries(errorTable).map(([code, { status, blame, retry }]) => [
    code,
    String(status),
    blame,
    retry ? "yes" : "no",
  ]);
  assert.deepEqual(written.sort(), actual.sort());
});

for (const [name, limits] of Object.entries({
  moduleLimits,
  callLimits,
  egressLimits,
  storeLimits,
  cacheLimits,
  metricLimits,
  cryptoLimits,
  debugLimits,
  processLimits,
  tenantLimits,
  quarantineLimits,
  requestLimits,
  scheduleLimits,
  sheddingLimits,
  upstreamLimits,
  targetLimits,
  attemptLimits,
  folderLimits,
  configLimits,
})) {
  test(`docs/limits.md lists every number of ${name}`, () => {
    const section =
      page("docs/limits.md")
        .split("\n## ")
        .find((text) => text.includes(`(\`${name}\`)`)) ?? "";
    const written = [...rowsOf(section)].map(([limit, [value]]) => [limit, Number(value)]);
    assert.deepEqual(written, Object.entries(limits));
  });
}

test("what is made from source is what `npm run schema` writes", async () => {
  for (const [path, text] of await referenceFiles()) {
    assert.equal(readFileSync(join(root, "docs", path), "utf8"), text, `docs/${path}`);
  }
});

test("docs/capabilities.md says something about every import, and has its signatures free of comments", () => {
  const imports = [...page("docs/capabilities.md").matchAll(/^\| `(\w+)\([^|]*\)` \|[^|]*\| (.*)\|$/gm)];
  assert.ok(imports.length > 0);
  for (const [, name = "", text = ""] of imports) assert.notEqual(text.trim(), "", name);
  assert.doesNotMatch(page("docs/capabilities.md"), /^host\..*\/\*/m);
});

test("docs/plugins.md lists every effect", () => {
  for (const type of effectTypes) assert.ok(page("docs/plugins.md").includes(`\`${type}\``), type);
});

test("docs/abi.md lists every function that each module may import from extism:host/env", () => {
  const rows = [...page("docs/abi.md").matchAll(/^\| (`[^|]+`) \| \(/gm)];
  const written = rows.flatMap(([, names = ""]) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  const actual = [...standardImports].filter((name) => name.startsWith("extism:host/env."));
  assert.deepEqual(written.sort(), actual.map((name) => name.replace("extism:host/env.", "")).sort());
});

test("every YAML block parses, and one that is a config passes its schema", () => {
  const blocks = blocksOf("ya?ml");
  assert.ok(blocks.length >= 4);
  for (const { file, code } of blocks) {
    const value: unknown = parse(code);
    if (typeof value !== "object" || value === null || Array.isArray(value)) continue;
    const { error } = configSchema.safeParse(value);
    assert.equal(error, undefined, `${file}: ${error?.message}\n${code}`);
  }
});

test("every JSON block parses", () => {
  for (const { file, code } of blocksOf("json"))
    assert.doesNotThrow(() => JSON.parse(code), `${file}: ${code}`);
});

test("every path of the repository that a page names exists", () => {
  const madeByReader = new Set(
    [...page("README.md").matchAll(/Save this as `([^`]+)`/g)].map(([, path]) => path),
  );
  const missing = pages.flatMap(({ file, text }) =>
    [...text.matchAll(/`((?:host|config|plugin-sdk|plugins|test|docs|bench|\.ci)\/[\w./-]*)`/g)]
      .map(([, path = ""]) => path)
      .filter(
        (path) =>
          !/\.wasm$/.test(path) &&
          !madeByReader.has(path) &&
          !existsSync(join(root, path)) &&
          !existsSync(join(root, `${path}.ts`)),
      )
      .map((path) => `${file}: ${path}`),
  );
  assert.deepEqual(missing, []);
});

test("every link to a file leads somewhere", () => {
  const broken = pages.flatMap(({ file, text }) =>
    [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !existsSync(join(root, file, "..", target)))
      .map((target) => `${file}: ${target}`),
  );
  assert.deepEqual(broken, []);
});
