import { writeFile } from "node:fs/promises";
import { gatewayJsonSchema } from "./json-schema.ts";

await writeFile(new URL("gateway.schema.json", import.meta.url), gatewayJsonSchema());
