import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { loadConfig } from "#config/load.ts";
import { printed, temporaryFolder } from "#test/config/config-file.ts";
import rootPackage from "../../package.json" with { type: "json" };
import sdkPackage from "../../plugin-sdk/package.json" with { type: "json" };
import { type Ended, runCommand } from "./command.ts";

const root = join(import.meta.dirname, "../..");
const templates = ["auth", "guard", "transform", "observe", "stream"] as const;

/** A folder that has the packages which `npm install` would bring. */
async function emptyFolder(t: TestContext): Promise<string> {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, "node_modules/@sandgate"), { recursive: true });
  await symlink(join(root, "plugin-sdk"), join(folder, "node_modules/@sandgate/plugin-sdk"));
  for (const name of ["@types", "typescript"]) {
    await symlink(join(root, "node_modules", name), join(folder, "node_modules", name));
  }
  return folder;
}

function run(cwd: string, ...args: string[]): Promise<Ended> {
  return runCommand(["plugin", ...args], { cwd });
}

/** Runs Node in the folder of a plugin. */
async function node(cwd: string, ...args: string[]): Promise<Pick<Ended, "code" | "stdout">> {
  const { NODE_TEST_CONTEXT, ...env } = process.env;
  const child = spawn(process.execPath, args, { cwd, env });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk) => chunks.push(chunk));
  child.stderr.on("data", (chunk) => chunks.push(chunk));
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.on("close", resolve);
  const code = await promise;
  return { code, stdout: Buffer.concat(chunks).toString() };
}

for (const template of templates) {
  test(`the template ${template} builds, has no type errors, and passes its fixtures and its tests`, async (t) => {
    const folder = await emptyFolder(t);
    const made = await run(folder, "new", "my-plugin", "--template", template);
    assert.deepEqual([made.code, made.stderr], [0, ""]);
    assert.match(
      made.stdout,
      /^my-plugin is a plugin, made from the template \w+\. Next:\n {2}cd my-plugin\n/,
    );
    const plugin = join(folder, "my-plugin");
    assert.deepEqual((await readdir(plugin)).sort(), [
      ".gitignore",
      "README.md",
      "fixtures",
      "package.json",
      "plugin.test.ts",
      "plugin.ts",
      "tsconfig.json",
    ]);

    const built = await run(plugin, "build", ".");
    assert.deepEqual([built.code, built.stderr], [0, ""]);
    assert.match(built.stdout, /^\.\.\/my-plugin\.wasm /);
    const { stdout } = await node(plugin, join(root, "node_modules/typescript/bin/tsc"), "-p", ".");
    // The SDK's own sources, which a package has as declarations, are not for this tsconfig.json.
    assert.deepEqual(
      stdout.split("\n").filter((line) => line.startsWith("plugin.")),
      [],
    );
    const fixtures = await run(plugin, "test", ".");
    assert.equal(fixtures.code, 0, fixtures.stdout + fixtures.stderr);
    const tests = await node(plugin, "--test");
    assert.equal(tests.code, 0, tests.stdout);
    assert.match(tests.stdout, /\bpass [1-9]/);
  });

  test(`the template ${template} depends on this SDK, and its README is right`, async (t) => {
    const folder = await temporaryFolder(t);
    await run(folder, "new", "my-plugin", "--template", template);
    const read = (name: string) => readFile(join(folder, "my-plugin", name), "utf8");
    const { name, devDependencies } = JSON.parse(await read("package.json"));
    assert.equal(name, "my-plugin");
    assert.deepEqual(devDependencies, {
      "@sandgate/plugin-sdk": sdkPackage.version,
      "@types/node": rootPackage.devDependencies["@types/node"],
      typescript: rootPackage.devDependencies.typescript,
    });

    const readme = await read("README.md");
    const [, yaml = ""] = /^```yaml\n(.*?)^```$/ms.exec(readme) ?? [];
    const file = join(folder, "gateway.yaml");
    await writeFile(file, yaml);
    assert.deepEqual(printed(await loadConfig(file, { env: {} })), []);
    await run(folder, "build", "my-plugin");
    const { code, stdout, stderr } = await validate(folder, yaml);
    assert.deepEqual([code, stderr], [0, ""], stdout);

    const { configSchema } = JSON.parse(
      (await run(folder, "inspect", "my-plugin.wasm", "--json")).stdout,
    ).manifest;
    const keys = Object.keys(configSchema.properties);
    assert.ok(keys.length > 0);
    for (const key of keys) assert.ok(readme.includes(`| \`${key}\` |`), key);
    for (const path of await readdir(join(folder, "my-plugin"), { recursive: true })) {
      const text = await read(path).catch(() => "");
      assert.doesNotMatch(text, /__NAME__/, path);
    }
  });
}

async function validate(folder: string, yaml: string): Promise<Ended> {
  const file = join(folder, "bound.yaml");
  await writeFile(file, `plugins: { folders: [.] }\n${yaml}`);
  return runCommand(["validate", file]);
}

test("the AssemblyScript template is copied with the name in its manifest", async (t) => {
  const folder = await temporaryFolder(t);
  const { code } = await run(folder, "new", "my-plugin", "--language", "assemblyscript");
  assert.equal(code, 0);
  const manifest = JSON.parse(await readFile(join(folder, "my-plugin/manifest.json"), "utf8"));
  assert.equal(manifest.name, "my-plugin");
});

test("without a template and without a terminal it is guard, and that is said", async (t) => {
  const folder = await temporaryFolder(t);
  const { code, stdout } = await run(folder, "new", "my-plugin");
  assert.equal(code, 0);
  assert.match(stdout, /^No --template given, so it is guard; there are auth, guard, /);
  assert.match(await readFile(join(folder, "my-plugin/plugin.ts"), "utf8"), /prompt_too_long/);
});

test("a path says where, and a folder without packages builds", async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, "plugins"));
  assert.equal((await run(folder, "new", "plugins/my-plugin", "--template", "auth")).code, 0);
  const { code, stderr } = await run(folder, "build", "plugins");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.ok(existsSync(join(folder, "plugins/my-plugin.wasm")));
});

test("nothing is overwritten: not a folder, not an empty one, not a file, not a link to nothing", async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, "empty"));
  await writeFile(join(folder, "file"), "kept");
  await symlink("/nowhere", join(folder, "link"));
  for (const name of ["empty", "file", "link"]) {
    const { code, stdout, stderr } = await run(folder, "new", name, "--template", "auth");
    assert.deepEqual([code, stdout, stderr], [1, "", `${name} is there already; nothing is overwritten\n`]);
  }
  assert.deepEqual(await readdir(join(folder, "empty")), []);
  assert.equal(await readFile(join(folder, "file"), "utf8"), "kept");
});

for (const [args, message] of [
  [["My-Plugin"], /^"My-Plugin" cannot be the name of a plugin: lower-case letters/],
  [["9lives"], /cannot be the name of a plugin/],
  [["a".repeat(64)], /cannot be the name of a plugin/],
  [["nowhere/my-plugin"], /^nowhere: no such folder\n$/],
  [["my-plugin", "--template", "gard"], /Allowed choices are auth, guard, transform, observe, stream/],
  [["my-plugin", "--language", "assemblyscript", "--template", "auth"], /AssemblyScript has one template/],
] as const) {
  test(`refused without a file made: plugin new ${args.join(" ").slice(0, 60)}`, async (t) => {
    const folder = await temporaryFolder(t);
    const { code, stdout, stderr } = await run(folder, "new", ...args);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, message);
    assert.deepEqual(await readdir(folder), []);
  });
}
