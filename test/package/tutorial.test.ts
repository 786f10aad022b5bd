import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { waitForText } from "#test/cli/command.ts";
import { environment, openEmptyFolder } from "./packed.ts";

const page = await readFile(new URL("../../docs/writing-a-plugin.md", import.meta.url), "utf8");

type Block =
  | { readonly kind: "run"; readonly script: string }
  | { readonly kind: "save"; readonly file: string; readonly content: string };

/** What the page tells its reader to do, in order. */
const blocks: readonly Block[] = Array.from(
  page.matchAll(/^(?:Save this as `([^`]+)`:\n\n)?```(\w*)\n(.*?)^```/gms),
  ([, file, language, content = ""]): Block[] => {
    if (file !== undefined) return [{ kind: "save", file, content }];
    return language === "sh" ? [{ kind: "run", script: content }] : [];
  },
).flat();

test("the tutorial works word for word in an empty folder, with the packed SDK in place of the registry's", async (t) => {
  const { folder, tarball, shell } = await openEmptyFolder(t);
  const printed: string[] = [];
  let cwd = folder;
  for (const block of blocks) {
    if (block.kind === "save") {
      await writeFile(join(cwd, block.file), block.content);
    } else if (block.script.includes("plugin dev")) {
      await develop(cwd, block.script.replace("plugin dev .", "plugin dev . --port 0"));
    } else {
      const script = block.script.replace(/(npm install.*)@sandgate\/plugin-sdk/, `$1"${tarball}"`);
      const output = await shell(`${script}\npwd`, cwd);
      cwd =
        output
          .trimEnd()
          .split("\n")
          .findLast((line) => line.startsWith("/")) ?? cwd;
      printed.push(output);
    }
  }
  assert.equal(blocks.filter(({ kind }) => kind === "save").length, 3);
  assert.ok(cwd.endsWith("/short-prompts"));
  const all = printed.join("\n");
  assert.match(all, /short-prompts\.wasm {2}\d+ KiB/);
  assert.match(all, /ok +too-long/);
  assert.match(all, /a short chat goes on, with its length as a tag/);
  assert.doesNotMatch(all, /Warning/);

  await t.test("the mistake that it shows is told as it shows it", async () => {
    const [, shown = ""] = /```\n(plugin\.ts:\d+.*?)```/s.exec(page) ?? [];
    const file = join(cwd, "plugin.ts");
    const source = await readFile(file, "utf8");
    await writeFile(file, source.replace("chars > host.config.maxChars", "chars > host.config.maxChar"));
    await assert.rejects(shell("npm run build", cwd), ({ message }: Error) => {
      for (const line of shown.trimEnd().split("\n"))
        assert.ok(message.includes(line), `${line}\n${message}`);
      return true;
    });
  });
});

/** `plugin dev`, until it has answered a request. */
async function develop(cwd: string, script: string): Promise<void> {
  const child = spawn("/bin/sh", ["-c", `exec ${script.trim()}`], { cwd, env: environment, detached: true });
  try {
    const [, url, key] = await waitForText(child, /curl (http:\/\/127\.0\.0\.1:\d+)\/\S* .*Bearer ([^']+)'/);
    child.stdout.resume();
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: "mock", messages: [{ role: "user", content: "Hello" }] }),
    });
    assert.equal(response.status, 200, await response.text());
  } finally {
    // The shell's group: npx starts the command as a child of its own.
    process.kill(-(child.pid ?? 0), "SIGTERM");
    await once(child, "close");
  }
}
