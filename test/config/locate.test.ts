// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a placeholder of the config looks like one of a template
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem, locate, locateProblem } from "#config/source.ts";
import { load, printed } from "./config-file.ts";

const yaml = `gateway:
  use: &standard
    - plugin: a
      config: { per: 1m, list: [1, 2] }
    -
      plugin: b
routes:
  chat:
    match: { paths: [/v1/*], headers: { x-env: "\${ENV}" } }
    service: demo
    use: *standard
services:
  "demo": { provider: mock }
`;

const places: readonly { path: (string | number)[]; at: string }[] = [
  { path: [], at: "1:1" },
  { path: ["gateway"], at: "1:1" },
  { path: ["gateway", "use"], at: "2:3" },
  { path: ["gateway", "use", 0], at: "3:7" },
  { path: ["gateway", "use", 0, "plugin"], at: "3:7" },
  { path: ["gateway", "use", 0, "config", "per"], at: "4:17" },
  { path: ["gateway", "use", 0, "config", "list", 1], at: "4:36" },
  { path: ["gateway", "use", 1], at: "6:7" },
  { path: ["services", "demo", "provider"], at: "13:13" },
  // Through an alias: where the text is that has to be changed.
  { path: ["routes", "chat", "use"], at: "11:5" },
  { path: ["routes", "chat", "use", 0, "config", "per"], at: "4:17" },
  // Not in the file: what is around it.
  { path: ["routes", "chat", "match", "methods"], at: "9:5" },
  { path: ["routes", "chat", "nope", "deep", 3], at: "8:3" },
  { path: ["gateway", "use", 7, "plugin"], at: "2:3" },
  { path: ["gateway", "use", "length"], at: "2:3" },
  { path: ["gateway", "use", -1], at: "2:3" },
  { path: ["consumers", "bob"], at: "1:1" },
  { path: ["routes", "chat", "service", "x"], at: "10:5" },
];

for (const { path, at } of places) {
  test(`${path.join(".") || "the root"} is at ${at}`, async (t) => {
    const loaded = await load(t, yaml, { ENV: "x" });
    assert.ok(loaded.ok, printed(loaded).join("\n"));
    const { line, column } = locate(loaded.source, path);
    assert.equal(`${line}:${column}`, at);
  });
}

test("a problem found later is printed like one of the schema", async (t) => {
  const loaded = await load(t, yaml, { ENV: "x" });
  assert.ok(loaded.ok);
  const problem = {
    path: ["routes", "chat", "use", 0, "plugin"],
    message: "there is no such plugin",
    hint: "ab",
  };
  assert.equal(
    formatProblem(loaded.source, problem).replace(/^.*gateway\.yaml/, "gateway.yaml"),
    'gateway.yaml:3:7 routes.chat.use.0.plugin: there is no such plugin, did you mean "ab"?',
  );
});

test("a message of another room that quotes a secret is printed with the placeholder", async (t) => {
  const loaded = await load(t, yaml, { ENV: 'to"ken-123' });
  assert.ok(loaded.ok);
  const message = 'refused "to\\"ken-123" and to"ken-123';
  const problem = { path: ["gateway"], message, hint: 'to"ken-123' };
  const located = locateProblem(loaded.source, problem);
  assert.equal(located.message, 'refused "${ENV}" and ${ENV}');
  assert.equal(located.hint, "${ENV}");
});
