import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import type { Effect } from "#sdk/abi/effects.ts";
import type { HookName } from "#sdk/abi/hooks.ts";
import { inputWat } from "#test/pipeline/stage.ts";
import { type HookBody, watPlugin } from "#test/wat-plugin.ts";

/** What a hook does: asks for effects, or ends in its way; with `logs` it writes what it gets into the log first. */
const hook = z.union([
  z.array(z.json()),
  z.enum(["traps", "loops", "garbage", "refuses"]),
  z.strictObject({ logs: z.array(z.string()), effects: z.array(z.json()).default([]) }),
]);

const plugin = z.partialRecord(z.enum(["pre_request", "post_request", "error"]), hook);

/** As `Script` of the fake upstream. */
const script = z.strictObject({
  answer: z.string().exactOptional(),
  status: z.int().exactOptional(),
  headers: z.record(z.string(), z.string()).exactOptional(),
  body: z.string().exactOptional(),
  fault: z
    .union([
      z.enum(["refuse", "garbage"]),
      z.strictObject({
        kind: z.enum(["reset", "stall", "end"]),
        after: z.union([z.int(), z.enum(["request", "half-headers"])]),
      }),
    ])
    .exactOptional(),
});

const expected = z.strictObject({
  status: z.int(),
  /** `x-sandgate-attempts` and `x-sandgate-target`. */
  attempts: z.int(),
  target: z.string().nullable(),
  /** The upstreams in the order in which they got a request. */
  asked: z.array(z.string()),
  /** Of the answer's error. */
  code: z.string().exactOptional(),
  headers: z.record(z.string(), z.string().nullable()).default({}),
  /** A part of the body, JSON or a text. */
  body: z.json().exactOptional(),
  /** `model` of the bodies that the upstreams got. */
  models: z.array(z.string()).exactOptional(),
  /** Paths that the upstreams got. */
  paths: z.array(z.string()).exactOptional(),
  /** Parts of lines of the log. */
  logged: z.array(z.record(z.string(), z.json())).default([]),
  /** Parts of what hooks with `logs` got, in order. */
  seen: z.array(z.json()).exactOptional(),
});

const caseSchema = z.strictObject({
  name: z.string(),
  plugins: z.record(z.string(), plugin).default({}),
  config: z.record(z.string(), z.json()),
  /** What each upstream does with its requests, one after another; the last holds for those that follow. */
  upstreams: z.partialRecord(z.enum(["a", "b", "c"]), z.array(script).min(1)).default({}),
  request: z
    .strictObject({
      path: z.string().default("/v1/chat/completions"),
      body: z.json().default({ model: "gpt-4o-mini", messages: [{ role: "user", content: "Grüße" }] }),
      type: z.string().default("application/json"),
    })
    .prefault({}),
  /** How often it is sent, one after another; expectations are about the last answer and everything that was asked. */
  times: z.int().default(1),
  expect: expected,
});

const fileSchema = z.strictObject({
  about: z.string(),
  plugins: caseSchema.shape.plugins,
  config: caseSchema.shape.config.default({}),
  cases: z
    .array(z.looseObject({ config: caseSchema.shape.config.default({}), plugins: caseSchema.shape.plugins }))
    .min(1),
});

export type RequestCase = z.infer<typeof caseSchema>;

/** The cases of `cases/*.yaml`, each with plugins and sections of the config that its file says for all. */
export function readCases(folder: URL): { file: string; cases: RequestCase[] }[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  return files.sort().map((file) => {
    const { plugins, config, cases } = fileSchema.parse(parse(readFileSync(new URL(file, folder), "utf8")));
    const complete = cases.map((each) =>
      caseSchema.parse({
        ...each,
        plugins: { ...plugins, ...each.plugins },
        config: { ...config, ...each.config },
      }),
    );
    return { file: file.replace(".yaml", ""), cases: complete };
  });
}

/** The plugin of a case, with a manifest that declares what its hooks need. */
export function casePlugin(name: string, hooks: RequestCase["plugins"][string]): Uint8Array {
  const bodies: Partial<Record<HookName, HookBody>> = {};
  const declared: Record<string, { reads: string[]; writes: string[] }> = {};
  const data: string[] = [];
  let address = 65_536;
  for (const [hookName, does] of Object.entries(hooks) as [HookName, z.infer<typeof hook>][]) {
    const ends = typeof does === "string";
    const effects = (ends ? [] : Array.isArray(does) ? does : does.effects) as Effect[];
    const logs = ends || Array.isArray(does) ? [] : does.logs;
    declared[hookName] = { reads: logs, writes: [...new Set(effects.map(writesOf))] };
    const output = Buffer.from(JSON.stringify({ effects }));
    data.push(`(data (i32.const ${address}) "${output.toString("hex").replace(/../g, "\\$&")}")`);
    const puts = `(call $puts (i32.const ${address}) (i32.const ${output.length})) (i32.const 0)`;
    bodies[hookName] = ends
      ? endings[does]
      : `${logs.length > 0 ? "(call $log_info (call $input))" : ""} ${puts}`;
    address += output.length;
  }
  const members = `${inputWat} ${noJson} ${data.join(" ")}`;
  return watPlugin({ name, hooks: declared }, bodies, members);
}

/** How a hook may fail, as its instructions. */
export const endings = {
  traps: "unreachable",
  loops: "(loop $on (br $on)) (i32.const 0)",
  garbage: "(call $puts (i32.const 8192) (i32.const 7)) (i32.const 0)",
  refuses: "(i32.const 1)",
} as const;

/** What `garbage` puts out. */
export const noJson = '(data (i32.const 8192) "no JSON")';

function writesOf(effect: Effect): string {
  switch (effect.type) {
    case "set-header":
    case "remove-header":
      return `${effect.on}.headers`;
    case "set-path":
      return "request.path";
    case "replace-body":
    case "patch-body":
      return `${effect.on}.body`;
    case "tag":
      return "tags";
    default:
      return effect.type;
  }
}
