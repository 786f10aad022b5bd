import { readFile } from "node:fs/promises";
import { effectSchema, outputSchema } from "#sdk/abi/effects.ts";
import {
  type CapabilityName,
  capabilityFunctions,
  capabilityNames,
  type FunctionShape,
} from "#sdk/abi/host-functions.ts";
import { inputSchema } from "#sdk/abi/input.ts";
import { manifestSchema } from "#sdk/abi/manifest.ts";

/** What stands in a binding's `grants`, beside what the source says. */
const grants: Readonly<Record<CapabilityName, string>> = {
  cache: "`grants.cache: true`",
  consumers: "authenticators have it: plugins with a hook that writes `identify`",
  counters: "`grants.counters: true`",
  crypto: "none needed; the secrets of `grants.secrets` can be keys",
  http: "`grants.http`: a list of hosts; `api.example.com`, `*.example.com`, or `host:port` also for private addresses",
  kv: "`grants.kv: true`",
  metrics: "none needed",
  secrets: "`grants.secrets`: a list of names from the config's `secrets`",
};

/** The pages and files under `docs/` that are made from source, by their path there. */
export async function referenceFiles(): Promise<ReadonlyMap<string, string>> {
  const schemas = { manifest: manifestSchema, input: inputSchema, output: outputSchema };
  const published = Object.entries(schemas).map(
    ([name, schema]) => [`schemas/abi-1/${name}.json`, schemaText(schema)] as const,
  );
  return new Map([["capabilities.md", await capabilityPage()], ...published]);
}

function schemaText(schema: object): string {
  return `${JSON.stringify({ $schema: "https://json-schema.org/draft/2020-12/schema", ...schema }, null, 2)}\n`;
}

/** `type` of every effect, for pages that list them. */
export const effectTypes: readonly string[] = effectSchema.oneOf.map(
  ({ properties }) => properties.type.const,
);

const intro = `# Capabilities

What a plugin may ask of the gateway. Its manifest names the capabilities, a binding grants those that need it, and what is not granted does not exist: a module that
imports a function of it is refused when the config is loaded. In TypeScript a use of a capability that the manifest does not name is a warning of the build, and throws
\`MissingCapability\` when it is called.

This page is made from \`plugin-sdk/host.ts\` and \`plugin-sdk/abi/host-functions.ts\` by \`npm run schema\`. [limits.md](limits.md) has the limits of each.`;

const importsIntro = `The imports in the tables are those of \`extism:host/user\`, for modules in other languages; [abi.md](abi.md) says how blocks are made. All arguments and results are i64:
a number, or the offset of an Extism block, where 0 is empty as an argument and nothing as a result.`;

async function capabilityPage(): Promise<string> {
  const source = await sourceOf("host.ts");
  const groups = groupsOf(source);
  const wireDocs = wireDocsOf(await sourceOf("abi/host-functions.ts"));
  const capabilities = capabilityNames.flatMap((name) => {
    const { doc, members } = groups.get(name) ?? noGroup;
    return [
      `## ${name}`,
      sentence(doc.replace(/^Capability `\w+`[:.]? ?/, "")),
      `Grant: ${grants[name]}.`,
      codeBlock(members.map((member) => ({ ...member, signature: `host.${name}.${member.signature}` }))),
      wireTable(name, wireDocs),
    ];
  });
  const always = ["now", "random"].flatMap((name) => {
    const { members } = groups.get(name) ?? noGroup;
    return members.map(({ doc, signature }) => ({
      doc,
      signature: name === "now" ? `host.${signature}` : `host.${name}.${signature}`,
    }));
  });
  const log = {
    doc: "Of each level: trace, debug, info, warn, error.",
    signature: "host.log.info(message: string, data?: { readonly [name: string]: Json }): void",
  };
  const config = { doc: groups.get("config")?.doc ?? "", signature: "host.config" };
  const parts = [
    intro,
    ...capabilities,
    "## Without a capability",
    codeBlock([config, log, ...always]),
    "## Types",
    `\`\`\`ts\n${typesOf(source)}\n\`\`\``,
    "## Imports",
    importsIntro,
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

const noGroup: Group = { doc: "", members: [] };

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

function codeBlock(members: readonly Member[]): string {
  const lines = members.flatMap(({ doc, signature }) =>
    doc === "" ? [signature] : [`/** ${doc} */`, signature],
  );
  return ["```ts", ...lines, "```"].join("\n");
}

/** The types between those of the log and `Host`, which its members name, without their `export`. */
function typesOf(source: string): string {
  const [, found = ""] =
    /(export type HttpRequest.*?)\n\/\*\*\n \* What a plugin may ask/s.exec(source) ?? [];
  return found.replace(/^export /gm, "").trim();
}

const ofExtism =
  "Imports: `http_request`, `http_status_code`, `http_headers` of `extism:host/env`, as Extism has them, and with `timeoutMs` in the request; and of `extism:host/user`";

function wireTable(name: CapabilityName, docs: ReadonlyMap<string, string>): string {
  if (name === "secrets")
    return "Imports: none. In a header or a key, `{{secret:NAME}}` stands for the secret.";
  const rows = Object.entries<FunctionShape>(capabilityFunctions[name]).map(([name, { params, result }]) => {
    const doc = (docs.get(name) ?? "").replaceAll("|", "\\|");
    return `| \`${name}(${params.join(", ")})\` | ${result ?? ""} | ${doc} |`;
  });
  const table = ["| import | result | |", "|---|---|---|", ...rows].join("\n");
  return name === "http" ? `${ofExtism}\n\n${table}` : table;
}

function sourceOf(file: string): Promise<string> {
  return readFile(new URL(`../plugin-sdk/${file}`, import.meta.url), "utf8");
}

type Member = { readonly doc: string; readonly signature: string };
type Group = { readonly doc: string; readonly members: Member[] };

/** The members of the type `Host`, with their comments: of one level, a member that is a function is a group of one. */
function groupsOf(source: string): ReadonlyMap<string, Group> {
  const groups = new Map<string, Group>();
  const body = inOneLine(/export type Host<Config> = \{\n(.*?)^\};/ms.exec(source)?.[1] ?? "");
  let doc = "";
  let group: Group | null = null;
  let signature = "";
  for (const line of body.split("\n")) {
    const comment = /^\s*\/\*\* (.*) \*\/$/.exec(line)?.[1];
    const opens = /^ {2}readonly (\w+): \{$/.exec(line)?.[1];
    if (comment !== undefined) doc = comment;
    else if (opens !== undefined) {
      group = { doc, members: [] };
      groups.set(opens, group);
      doc = "";
    } else if (line === "  };") group = null;
    else if (line.trim() !== "") {
      signature += `${signature === "" || signature.endsWith("(") ? "" : " "}${line.trim()}`;
      if (!line.endsWith(";")) continue;
      const member = { doc, signature: signature.slice(0, -1).replace(/,? \)/, ")") };
      if (group === null)
        groups.set(/^(?:readonly )?(\w+)/.exec(signature)?.[1] ?? "", { doc, members: [member] });
      else group.members.push(member);
      [doc, signature] = ["", ""];
    }
  }
  return groups;
}

function wireDocsOf(source: string): ReadonlyMap<string, string> {
  return new Map(
    Array.from(inOneLine(source).matchAll(/\/\*\* (.*) \*\/\n {4}(\w+): \{/g), ([, doc = "", name = ""]) => [
      name,
      doc,
    ]),
  );
}

/** Comments of several lines as comments of one. */
function inOneLine(source: string): string {
  return source.replace(
    /\/\*\*\n(.*?)\n\s*\*\/$/gms,
    (_, text: string) => `/** ${text.replace(/^\s*\* ?/gm, "").replaceAll("\n", " ")} */`,
  );
}
