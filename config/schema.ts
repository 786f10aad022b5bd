import { z } from "zod";
import { cronProblem, isTimezone, longestCronLine } from "./cron.ts";

/**
 * The shape of `gateway.yaml`, after interpolation. The one source of the config's types, of its
 * validation and of `gateway.schema.json`. Every object is strict: an unknown key is a problem.
 */

const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
    "must be 1 to 63 letters, digits, dots, dashes and underscores, the first a letter or digit",
  );

/** A timer of Node that is set for longer ends at once. */
const longestTimerMs = 2 ** 31 - 1;

const duration = z
  .string()
  .regex(/^\d+(ms|s|m|h)$/, "must be a whole number with a unit: 250ms, 30s, 5m, 1h")
  .refine((text) => !(durationMs(text) > longestTimerMs), "must be at most 596h")
  .describe("A length of time: 250ms, 30s, 5m, 1h");

/** Entries by name. The result has no prototype: a service may be called `constructor`, and an unknown name is undefined. */
function named<Entry extends z.ZodType>(entry: Entry) {
  return z
    .record(name.describe("A name of your choice"), entry)
    .transform((entries): Record<string, z.output<Entry>> => Object.assign(Object.create(null), entries));
}

const secretToken = z
  .string()
  .regex(/^[\x21-\x7e]{16,4096}$/, "must be 16 to 4096 printable ASCII characters without spaces")
  .describe("A secret of your choice, from the environment or a file");

const pathPattern = z
  .string()
  .regex(/^\/[^*]*(\/\*)?$|^\/\*$/, "must be an absolute path, exact or ending in /*");

const methods = z.enum(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]);

/** One text, or several of which any will do. */
const anyText = z.union([z.string(), z.array(z.string()).min(1)], {
  error: "must be text, or a list of texts with an entry",
});

const whenSchema = z.strictObject({
  methods: z.array(methods).min(1).exactOptional(),
  paths: z.array(pathPattern).min(1).exactOptional().describe("Exact, or a prefix that ends in /*"),
  headers: z.record(z.string(), anyText).exactOptional().describe("Exact values, by name of the header"),
  models: z
    .array(z.string().min(1))
    .min(1)
    .exactOptional()
    .describe("`model` in the body; a trailing * matches a prefix"),
  consumers: z.array(name).min(1).exactOptional(),
  groups: z.array(name).min(1).exactOptional().describe("Consumer groups"),
  tags: z.record(z.string(), anyText).exactOptional().describe("Exact values of tags that earlier steps set"),
  sample: z
    .number()
    .positive()
    .max(100)
    .exactOptional()
    .describe("Percent of the requests, the same ones in all stages"),
});

/** More often than this nobody needs to know how a target is. */
const leastScheduleMs = 100;

const scheduleSchema = z
  .strictObject({
    every: duration
      .refine((text) => !(durationMs(text) < leastScheduleMs), "must be at least 100ms")
      .exactOptional(),
    cron: z
      .string()
      .max(longestCronLine)
      .superRefine((line, { addIssue }) => {
        const message = cronProblem(line);
        if (message !== null) addIssue({ code: "custom", message });
      })
      .exactOptional()
      .describe("Minute, hour, day of the month, month, day of the week: 0 3 * * MON-FRI"),
    timezone: z
      .string()
      .refine(isTimezone, "is no time zone that is known here: use a name like Europe/Berlin, or UTC")
      .exactOptional()
      .describe("Of cron; default UTC"),
  })
  .refine(({ every, cron }) => (every === undefined) !== (cron === undefined), {
    error: "must have every or cron, and not both",
  })
  .refine(({ cron, timezone }) => timezone === undefined || cron !== undefined, {
    path: ["timezone"],
    error: "is for cron alone",
  });

const bindingSchema = z
  .strictObject({
    plugin: name.describe("Name of the plugin, as its manifest says it"),
    id: name.exactOptional().describe("Identity for inheritance; default: the plugin's name"),
    enabled: z.boolean().exactOptional().describe("false removes the binding from this level down"),
    inherit: z
      .enum(["replace", "merge"])
      .exactOptional()
      .describe("merge: what this binding leaves out comes from the more general one with its id"),
    lock: z.boolean().exactOptional().describe("true: no more specific level may bind this id"),
    priority: z.literal([1, 2, 3]).exactOptional().describe("1 critical, 2 essential, 3 optional"),
    order: z.int().exactOptional().describe("Position inside the priority; lower runs first; default 0"),
    mode: z.enum(["sequential", "parallel"]).exactOptional(),
    onFailure: z
      .enum(["closed", "open"])
      .exactOptional()
      .describe("closed fails the request, open skips the step"),
    effect: z
      .enum(["enforce", "observe"])
      .exactOptional()
      .describe("observe: it runs, and what it asks for is recorded but not done"),
    schedule: scheduleSchema
      .exactOptional()
      .describe("When the plugin's hook schedule runs; default: as its manifest says"),
    when: whenSchema.exactOptional().describe("Runs only when all of this holds; of a list, any"),
    config: z
      .record(z.string(), z.json())
      .exactOptional()
      .describe("Checked against the plugin's own schema"),
    state: z
      .enum(["request", "instance"])
      .exactOptional()
      .describe("request: every call starts from the state after configure; instance: state stays"),
    limits: z
      .strictObject({
        fuel: z.int().positive().exactOptional(),
        memoryMb: z.number().positive().exactOptional(),
        deadlineMs: z.int().positive().max(longestTimerMs).exactOptional(),
      })
      .exactOptional()
      .describe("Of one call; at most what limits.plugins allows"),
    grants: z
      .strictObject({
        http: z
          .array(z.string().min(1))
          .exactOptional()
          .describe("Hosts the plugin may call: api.example.com, *.example.com"),
        secrets: z
          .array(name)
          .exactOptional()
          .describe(
            "Secrets that the plugin may name as {{secret:NAME}}, in a header or as a key; it never sees them",
          ),
        kv: z.boolean().exactOptional().describe("Keep texts by key; default false"),
        counters: z.boolean().exactOptional().describe("Keep numbers by key; default false"),
        cache: z.boolean().exactOptional().describe("Keep texts while there is room; default false"),
      })
      .exactOptional(),
  })
  .meta({ id: "Binding" });

const tenant = name.exactOptional().describe("Owner: its plugins share one quota; default: the operator");

const use = z.array(bindingSchema).exactOptional().describe("Plugins bound at this level");

const targetSchema = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: "must be an http or https URL", abort: true })
    // Plugins, log and metrics show it.
    .refine((url) => !/^\w+:\/*[^/]*@|[?#]/.test(url), {
      error: "must have no user, query or fragment: a credential is the `key` of the target",
    })
    .describe("Base URL of the upstream's API, with its version: https://api.openai.com/v1"),
  key: z
    .string()
    .exactOptional()
    .describe("Credential the gateway sends; an empty one switches the target off"),
  weight: z
    .number()
    .min(0.01)
    .max(1000)
    .exactOptional()
    .describe("Share of the requests beside the other targets; default 1"),
});

const timeouts = z
  .strictObject({
    connect: duration.exactOptional(),
    headers: duration.exactOptional(),
    body: duration.exactOptional().describe("Longest silence between two chunks of the body"),
  })
  .exactOptional();

const attempts = z
  .strictObject({
    max: z.int().min(1).max(10).exactOptional().describe("In all, the first one included; default 3"),
    total: duration
      .exactOptional()
      .describe("From the first attempt to the beginning of the last; default 60s"),
  })
  .exactOptional()
  .describe("What retry and fallback may use");

const serviceSchema = z.discriminatedUnion("provider", [
  z.strictObject({
    provider: z.literal("openai"),
    targets: z.array(targetSchema).min(1),
    timeouts,
    attempts,
    tenant,
    use,
  }),
  z.strictObject({ provider: z.literal("mock"), attempts, tenant, use }),
]);

const routeSchema = z.strictObject({
  match: z.strictObject({
    paths: z.array(pathPattern).min(1),
    methods: z.array(methods).min(1).exactOptional(),
    hosts: z.array(z.string().min(1)).min(1).exactOptional(),
    headers: z
      .record(z.string(), z.string())
      .exactOptional()
      .describe("Headers that must have exactly these values"),
    models: z
      .array(z.string().min(1))
      .min(1)
      .exactOptional()
      .describe("`model` in the body; a trailing * matches a prefix"),
  }),
  service: name,
  tenant,
  use,
});

const consumerSchema = z.strictObject({
  groups: z
    .array(name)
    .exactOptional()
    .describe("Consumer groups; the first wins where two bind the same id"),
  keys: z.array(z.string().min(8, "must have at least 8 characters")).exactOptional(),
  tenant,
  use,
});

const tenantSchema = z.strictObject({
  weight: z.number().min(0.1).max(100).exactOptional().describe("Share of the CPU beside others; default 1"),
  cpuMsPerSecond: z
    .number()
    .min(1)
    .max(1000)
    .exactOptional()
    .describe("CPU time of its plugins; what is over it waits; default 500"),
  calls: z
    .int()
    .min(1)
    .max(2000)
    .exactOptional()
    .describe("Calls of its plugins that may run or wait at once; more are refused; default 64"),
});

/** What no plugin may exceed whatever the operator says: V8's own limits are near. */
const hardest = { fuel: 1_000_000_000_000, memoryMb: 64, deadlineMs: 600_000, moduleMb: 16 } as const;

const pluginLimits = z
  .strictObject({
    fuel: z.int().positive().max(hardest.fuel).exactOptional().describe("Of one call; default 500000000"),
    memoryMb: z.number().positive().max(hardest.memoryMb).exactOptional().describe("Default 16"),
    deadlineMs: z.int().positive().max(hardest.deadlineMs).exactOptional().describe("Default 2000"),
    requestMs: z
      .int()
      .positive()
      .max(hardest.deadlineMs)
      .exactOptional()
      .describe("What all plugins may make the client of one request wait; default 5000"),
    moduleMb: z
      .number()
      .positive()
      .max(hardest.moduleMb)
      .exactOptional()
      .describe("Size of a .wasm; default 4"),
  })
  .prefault({})
  .describe("The operator's limits for every plugin; a binding can only lower them");

/** Whoever reaches it may as well read the config. */
const loopback = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

const adminSchema = z
  .strictObject({
    host: z.string().min(1).default("127.0.0.1"),
    port: z.int().min(0).max(65_535),
    token: secretToken.exactOptional(),
  })
  .refine(({ host, token }) => token !== undefined || loopback.test(host), {
    path: ["host"],
    error: "is no loopback address, so admin.token must be set",
  });

export const configSchema = z.strictObject({
  listen: z
    .strictObject({
      host: z.string().min(1).default("127.0.0.1"),
      port: z.int().min(0).max(65_535).default(8080),
    })
    .prefault({}),
  plugins: z
    .strictObject({
      folders: z.array(z.string().min(1)).min(1).default(["./plugins"]).describe("Relative to this file"),
      watch: z.boolean().default(true).describe("Load, replace and remove plugins while the gateway runs"),
    })
    .prefault({}),
  log: z
    .strictObject({ level: z.enum(["trace", "debug", "info", "warn", "error", "silent"]).default("info") })
    .prefault({}),
  admin: adminSchema
    .exactOptional()
    .describe("Where the gateway says what it does, apart from the clients' port; default: nowhere"),
  debug: z
    .strictObject({ token: secretToken })
    .exactOptional()
    .describe("A request with this token in x-sandgate-debug is answered with what its steps did"),
  limits: z
    .strictObject({
      bodyMb: z.number().positive().max(1024).exactOptional().describe("Largest request body; default 10"),
      requestTimeout: duration.exactOptional().describe("Longest time a client may take to send its request"),
      plugins: pluginLimits,
    })
    .prefault({}),
  store: z
    .strictObject({
      file: z
        .string()
        .min(1)
        .describe("SQLite file, relative to this one; made when it is not there. For one gateway alone"),
    })
    .exactOptional()
    .describe("Where kv and counters of the plugins outlive a restart; default: in memory only"),
  gateway: z.strictObject({ use }).prefault({}),
  services: named(serviceSchema).prefault({}),
  routes: named(routeSchema).prefault({}),
  consumerGroups: named(z.strictObject({ tenant, use })).prefault({}),
  consumers: named(consumerSchema).prefault({}),
  tenants: named(tenantSchema).prefault({}),
  secrets: named(
    z
      .string()
      .regex(/^[\x21-\x7e]{8,4096}$/, "must be 8 to 4096 printable ASCII characters without spaces")
      .describe("A credential, from the environment or a file"),
  )
    .prefault({})
    .describe("What grants.secrets can name"),
});

export type GatewayConfig = z.infer<typeof configSchema>;
export type BindingConfig = z.infer<typeof bindingSchema>;
export type ScheduleConfig = z.infer<typeof scheduleSchema>;
export type WhenConfig = z.infer<typeof whenSchema>;
export type ServiceConfig = z.infer<typeof serviceSchema>;
export type RouteConfig = z.infer<typeof routeSchema>;
export type TenantConfig = z.infer<typeof tenantSchema>;
export type TargetConfig = z.infer<typeof targetSchema>;

/** Where a value stands in the config: `["routes", "chat", "use", 0, "config"]`. */
export type ConfigPath = readonly (string | number)[];

/** One thing wrong with the config. `path` is the value's place; `hint` is the name that was probably meant, alone. */
export type ConfigProblem = { readonly path: ConfigPath; readonly message: string; readonly hint?: string };

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Milliseconds of a duration that the schema has accepted. */
export function durationMs(text: string): number {
  const unit = text.replace(/^\d+/, "") as keyof typeof unitMs;
  return Number.parseInt(text, 10) * unitMs[unit];
}
