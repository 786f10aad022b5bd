// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a placeholder of the config looks like one of a template
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { parse } from "yaml";
import { gatewayJsonSchema } from "#config/json-schema.ts";

const inConfig = (name: string) => new URL(`../../config/${name}`, import.meta.url);
const accepts = addFormats.default(new Ajv2020({ strict: false })).compile(JSON.parse(gatewayJsonSchema()));

test("config/gateway.schema.json is what `npm run schema` writes", async () => {
  assert.equal(await readFile(inConfig("gateway.schema.json"), "utf8"), gatewayJsonSchema());
});

test("an editor accepts the sample as it is written, placeholders included", async () => {
  const sample = parse(await readFile(inConfig("gateway.yaml"), "utf8"));
  assert.ok(accepts(sample), JSON.stringify(accepts.errors));
});

test("an editor refuses an unknown key, a wrong word and a wrong number", () => {
  assert.equal(accepts({ listen: { prot: 1 } }), false);
  assert.equal(accepts({ log: { level: "lound" } }), false);
  assert.equal(accepts({ listen: { port: "8080" } }), false);
  assert.equal(accepts({ services: { "${NAME}": { provider: "mock" } } }), false);
  assert.equal(accepts({ listen: { port: "${PORT:-8080}" } }), true);
});
