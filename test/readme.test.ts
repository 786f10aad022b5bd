import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { isMap, parse, parseDocument } from "yaml";
import { runCommand, spawnCommand, waitForText } from "#test/cli/command.ts";
import { temporaryFolder } from "#test/config/config-file.ts";

const root = join(import.meta.dirname, "..");
const readme = await readFile(join(root, "README.md"), "utf8");

/** The code block of a language that follows a sentence of the README. */
function blockAfter(sentence: string, language: string): string {
  const from = readme.indexOf(sentence);
  assert.notEqual(from, -1, sentence);
  const found = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "s").exec(readme.slice(from));
  return found?.[1] ?? "";
}

/** A copy of what a reader has after `npm ci && npm start`: the sample config and the built plugins. */
async function startAsReader(test: TestContext): Promise<{ folder: string; port: number; config: string }> {
  const folder = await temporaryFolder(test);
  await mkdir(join(folder, "config"));
  await mkdir(join(folder, "plugins"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  const config = join(folder, "config/gateway.yaml");
  await copyFile(join(root, "config/gateway.yaml"), config);
  for (const name of ["key-auth", "request-log", "request-transform"]) {
    await copyFile(join(root, `plugins/${name}.wasm`), join(folder, `plugins/${name}.wasm`));
  }
  const child = spawnCommand(["start", "--demo", "--config", config], { env: { PORT: "0" } });
  test.after(async () => {
    child.kill("SIGTERM");
    await once(child, "close");
  });
  const [, port] = await waitForText(
    child,
    /ready on http:\/\/127\.0\.0\.1:(\d+)\nDemo key: sk-alice-demo\n/,
  );
  child.stdout.resume();
  return { folder, port: Number(port), config };
}

/** Runs the README's own curl line against another port, with other words in the message. */
async function curl(port: number, message = "Hello") {
  const line = /^curl .*$/m.exec(readme)?.[0] ?? "";
  const here = line.replace(":8080", `:${port}`).replace("Hello", message).replace("curl ", "curl -sS ");
  const { stdout } = await promisify(execFile)("/bin/sh", ["-c", here]);
  return JSON.parse(stdout);
}

/** Merges a block of the README into the config file, as its reader does by hand: named members are replaced. */
async function edit(config: string, block: string): Promise<void> {
  const document = parseDocument(await readFile(config, "utf8"));
  for (const [section, members] of Object.entries<Record<string, unknown>>(parse(block))) {
    assert.ok(isMap(document.get(section)), section);
    for (const [name, value] of Object.entries(members)) document.setIn([section, name], value);
  }
  await writeFile(config, document.toString());
}

/** Asks again until the change is live; the reader's patience is ten seconds. */
async function eventually<Answer>(
  ask: () => Promise<Answer>,
  isIt: (answer: Answer) => boolean,
): Promise<Answer> {
  const until = Date.now() + 10_000;
  for (;;) {
    const answer = await ask();
    if (isIt(answer)) return answer;
    assert.ok(Date.now() < until, JSON.stringify(answer));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("the README's way works word for word", async (t) => {
  const { folder, port, config } = await startAsReader(t);
  const readyz = async () =>
    (await fetch(`http://127.0.0.1:${port}/readyz`)).json() as Promise<{ refused: { config: string[] } }>;

  await t.test("the curl line is answered, and a wrong key is not", async () => {
    const answer = await curl(port);
    assert.equal(answer.choices[0].message.content, "echo: Hello");
    assert.equal(answer.sandgate_mock.method, "POST");
    const wrong = await fetch(`http://127.0.0.1:${port}/v1/models`, {
      headers: { authorization: "Bearer sk-wrong-key" },
    });
    assert.equal(wrong.status, 401);
  });

  await t.test("a binding in the YAML is live when it is saved", async () => {
    await edit(config, blockAfter("## Change a binding", "yaml"));
    const { sandgate_mock: seen } = await eventually(
      () => curl(port),
      (answer) => answer.sandgate_mock.headers["x-team"] !== undefined,
    );
    assert.equal(seen.headers["x-team"], "search");
    assert.equal(seen.body.temperature, 0.2);
  });

  await t.test("a mistake is said with its place, and the running config stays", async () => {
    const good = await readFile(config, "utf8");
    await writeFile(config, good.replace("default:", "tempratur:"));
    const { refused } = await eventually(readyz, (answer) => answer.refused.config.length > 0);
    assert.match(
      refused.config[0] ?? "",
      /gateway\.yaml:\d+:\d+ routes\.chat\.use\.0\.config\.request\.body\.tempratur: unknown key/,
    );
    assert.equal((await curl(port)).sandgate_mock.headers["x-team"], "search");
    await writeFile(config, good);
    await eventually(readyz, (answer) => answer.refused.config.length === 0);
  });

  await t.test("a plugin of ten lines is written, built, dropped in and bound", async () => {
    const source = join(folder, "plugins/short-prompts.ts");
    await writeFile(source, blockAfter("Save this as `plugins/short-prompts.ts`", "ts"));
    const built = await runCommand(["plugin", "build", source]);
    assert.equal(built.code, 0, built.stderr);
    await edit(config, blockAfter("It does nothing until a binding uses it", "yaml"));
    const refused = await eventually(
      () => curl(port, "long ".repeat(50)),
      (answer) => answer.error !== undefined,
    );
    assert.equal(refused.error.code, "too_long");
    assert.equal((await curl(port)).choices[0].message.content, "echo: Hello");
  });
});

test("every script that the README names is there", async () => {
  const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  for (const [, name = ""] of readme.matchAll(/npm run ([a-z]+)/g))
    assert.ok(Object.hasOwn(scripts, name), name);
});
