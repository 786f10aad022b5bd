import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { keepKnownKeys, problemsOf } from "../../config/issue.ts";
import { printPath } from "../../config/problem.ts";
import { FileRefused, readBounded } from "../../config/read-bounded.ts";
import type { ConfigPath } from "../../config/schema.ts";
import { outcomes } from "../../host/sandbox/outcome.ts";
import { stageHooks } from "../abi/hooks.ts";
import { type HookInput, inputSchema } from "../abi/input.ts";

const json = z.json();
const members = z.record(z.string(), json);
const fields = z.record(z.string(), z.string());

/** `effects`, or how the call fails and a part of its message. */
const expectation = z
  .strictObject({
    effects: z.array(members).exactOptional(),
    outcome: z.enum(outcomes).exclude(["ok"]).exactOptional(),
    error: z.string().exactOptional(),
  })
  .refine(({ effects, outcome }) => (effects === undefined) !== (outcome === undefined), {
    message: "must have either effects or outcome",
  })
  .refine(({ effects, error }) => effects === undefined || error === undefined, {
    message: "has an error only beside an outcome",
    path: ["error"],
  });

const call = {
  hook: z.enum([...stageHooks, "schedule"]),
  /** What the hook gets, as docs/plugins.md says. */
  input: z.fromJSONSchema(inputSchema as unknown as z.core.JSONSchema.JSONSchema) as z.ZodType<HookInput>,
  expect: expectation.exactOptional(),
  maxFuel: z.int().positive().exactOptional(),
  /** What the plugin's clock says. */
  now: z.iso.datetime().exactOptional(),
};

const around = {
  note: z.string().exactOptional(),
  /** Of the binding; the gateway's own rules say what may be in them. */
  config: members.exactOptional(),
  grants: members.exactOptional(),
  secrets: fields.exactOptional(),
  consumers: z.record(z.string(), z.array(z.string())).exactOptional(),
  /** What the plugin sends, in order, and what it gets. Of a request only what is written here must be the same. */
  http: z
    .array(
      z.strictObject({
        request: z
          .strictObject({
            method: z.string().exactOptional(),
            url: z.string().exactOptional(),
            headers: fields.exactOptional(),
            body: json.exactOptional(),
          })
          .prefault({}),
        response: z
          .strictObject({
            status: z.int().min(100).max(599).exactOptional(),
            headers: fields.exactOptional(),
            body: json.exactOptional(),
            /** The request fails, as on a broken network. */
            error: z.string().exactOptional(),
          })
          .refine(({ status, error }) => (status === undefined) !== (error === undefined), {
            message: "must have either a status or an error",
          }),
      }),
    )
    .exactOptional(),
};

const oneCall = z.strictObject({ ...around, ...call });
const severalCalls = z.strictObject({ ...around, calls: z.array(z.strictObject(call)).min(1) });

export type FixtureCall = z.infer<z.ZodObject<typeof call>>;
export type ScriptedExchange = NonNullable<z.infer<typeof oneCall>["http"]>[number];

/** A case: a binding, what is around it, and calls in order. They share what the plugin keeps with `kv` and its like. */
export type Fixture = Pick<
  z.infer<typeof oneCall>,
  "config" | "consumers" | "grants" | "http" | "note" | "secrets"
> & {
  readonly file: string;
  /** The file's, without `.json`. */
  readonly name: string;
  readonly calls: readonly FixtureCall[];
  /** What the file holds, for whoever writes it anew. */
  readonly value: z.infer<typeof members>;
};

/** A file that is no fixture; the message is what is wrong, a line for each, with file and member. */
export class FixtureRefused extends Error {
  override readonly name = "FixtureRefused";
}

const fixtureBytes = 16 * 1024 * 1024;

/** The `.json` files of a folder in the order of their names; none when there is no such folder. */
export async function fixtureFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === "ENOENT" || thrown.code === "ENOTDIR") return [];
    throw thrown;
  });
  const byNumber = new Intl.Collator("en", { numeric: true });
  const files = names.filter((name) => name.endsWith(".json") && !name.startsWith("."));
  return files.sort(byNumber.compare).map((name) => join(folder, name));
}

/** @throws {FixtureRefused} */
export async function readFixture(file: string): Promise<Fixture> {
  const value = parse(file, await read(file));
  const isSeveral = typeof value === "object" && value !== null && "calls" in value;
  const parsed = (isSeveral ? severalCalls : oneCall).safeParse(value, { error: keepKnownKeys });
  if (!parsed.success) throw new FixtureRefused(problemLines(file, value, parsed.error));
  const { data } = parsed;
  return {
    ...data,
    file,
    name: basename(file, ".json"),
    calls: "calls" in data ? data.calls : [data],
    value: value as Fixture["value"],
  };
}

function problemLines(file: string, value: unknown, error: z.ZodError): string {
  const problems = problemsOf(error.issues, { value, isPublic: () => true });
  const lines = problems.map(({ path, message, hint }) => {
    const meant = hint === undefined ? "" : `, did you mean "${hint}"?`;
    return `${file}: ${memberAt(path)}${message}${meant}`;
  });
  return lines.join("\n");
}

function memberAt(path: ConfigPath): string {
  return path.length === 0 ? "" : `${printPath(path)}: `;
}

async function read(file: string): Promise<string> {
  try {
    return (await readBounded(file, fixtureBytes)).toString("utf8");
  } catch (thrown) {
    if (thrown instanceof FileRefused) throw new FixtureRefused(`${file}: ${thrown.message}`);
    throw thrown;
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new FixtureRefused(`${file}: not JSON: ${(thrown as SyntaxError).message}`);
  }
}
