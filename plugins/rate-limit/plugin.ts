import { definePlugin, type Effect, type Host } from "@sandgate/plugin-sdk";
import { durationMs, durationText } from "./duration.ts";
import { credentialHeader, subjectOf } from "./subject.ts";
import { charge, type Limit, largestBucket, look, type Reading, take } from "./window.ts";

const longestMs = 24 * 3_600_000;
/** Clients wait so long by themselves; more is an error for who called. */
const patienceMs = 60_000;

export default definePlugin({
  name: "rate-limit",
  version: "1.0.0",
  description: "Limits requests and tokens in a length of time, for each consumer or by a header or a tag.",
  category: "traffic",
  capabilities: ["counters", "crypto"],
  hooks: {
    pre_request: {
      reads: ["request.headers", "context.consumer", "context.tags"],
      writes: [
        "respond",
        "response.headers.x-ratelimit-limit-requests",
        "response.headers.x-ratelimit-remaining-requests",
        "response.headers.x-ratelimit-reset-requests",
        "response.headers.x-ratelimit-limit-tokens",
        "response.headers.x-ratelimit-remaining-tokens",
        "response.headers.x-ratelimit-reset-tokens",
      ],
      priority: 1,
    },
    post_request: {
      at: "completion",
      reads: ["request.headers", "context.consumer", "context.tags", "response.usage"],
      priority: 1,
    },
  },
  configSchema: {
    type: "object",
    additionalProperties: false,
    required: ["per"],
    anyOf: [{ required: ["requests"] }, { required: ["tokens"] }],
    properties: {
      requests: {
        type: "integer",
        description: "Most requests in this time",
        minimum: 1,
        maximum: 1_000_000,
      },
      tokens: {
        type: "integer",
        description: "Most tokens in this time, of prompts and answers together",
        minimum: 1,
        maximum: 1_000_000_000,
      },
      per: {
        type: "string",
        description: "The time: 1s to 24h",
        pattern: "^[1-9]\\d{0,4}(s|m|h)$",
      },
      window: {
        description: "How the time is counted",
        enum: ["fixed", "sliding", "token-bucket"],
        default: "sliding",
      },
      by: {
        type: "string",
        description: "Who shares a limit: consumer, all, header:NAME or tag:NAME",
        pattern: "^(consumer|all|header:[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}|tag:.{1,128})$",
        default: "consumer",
      },
      headers: {
        type: "boolean",
        description: "Whether answers tell the limit and what is left of it",
        default: true,
      },
    },
  },

  configure({ per, window, by, ...limits }) {
    if (durationMs(per) > longestMs) throw new Error(`per: ${per} is more than 24h`);
    const header = credentialHeader(by);
    if (header !== null) throw new Error(`by: ${header} holds a credential; count by consumer instead`);
    const most = largestBucket(durationMs(per));
    for (const name of ["requests", "tokens"] as const) {
      const limit = limits[name] ?? 0;
      if (window === "token-bucket" && limit > most) {
        throw new Error(
          `${name}: ${limit} is too much for a token bucket; with per: ${per} the most is ${most}`,
        );
      }
    }
  },

  preRequest(input, host) {
    const { config } = host;
    const ask = askFor(host, subjectOf(config.by, input, host.crypto.hash));
    // A request that has no tokens left must not count as one.
    const tokens = config.tokens === undefined ? null : look(limitOf(config.tokens, config), ask("tokens"));
    const requests =
      config.requests === undefined || tokens?.granted === false
        ? null
        : take(limitOf(config.requests, config), ask("requests"));
    const effects: Effect[] = [];
    if (config.headers) {
      effects.push(...headersOf("requests", config.requests, requests));
      effects.push(...headersOf("tokens", config.tokens, tokens));
    }
    if (tokens?.granted === false) effects.push(refusal("tokens", tokens.waitMs));
    else if (requests?.granted === false) effects.push(refusal("requests", requests.waitMs));
    return effects;
  },

  postRequest({ response, ...input }, host) {
    const { config } = host;
    const usage = response?.usage;
    if (config.tokens === undefined || usage === undefined) return;
    const ask = askFor(host, subjectOf(config.by, input, host.crypto.hash));
    charge(limitOf(config.tokens, config), ask("tokens"), usage.inputTokens + usage.outputTokens);
  },
});

type Config = { readonly per: string; readonly window: Limit["window"] };

function limitOf(most: number, { per, window }: Config): Limit {
  return { most, perMs: durationMs(per), window };
}

function askFor({ counters, now }: Pick<Host<unknown>, "counters" | "now">, subject: string) {
  return (name: string) => ({ counters, key: `${name} ${subject}`, now: now() });
}

function headersOf(name: "requests" | "tokens", most: number | undefined, reading: Reading | null): Effect[] {
  if (most === undefined || reading === null) return [];
  const fields = {
    [`x-ratelimit-limit-${name}`]: `${most}`,
    [`x-ratelimit-remaining-${name}`]: `${reading.remaining}`,
    [`x-ratelimit-reset-${name}`]: durationText(reading.resetMs),
  };
  return Object.entries(fields).map(([name, value]) => ({ type: "set-header", on: "response", name, value }));
}

function refusal(name: "requests" | "tokens", waitMs: number): Effect {
  const seconds = Math.ceil(waitMs / 1000);
  return {
    type: "respond",
    status: 429,
    error: { message: `Too many ${name}: try again in ${seconds} s.`, code: "rate_limit_exceeded" },
    headers: {
      "retry-after": `${seconds}`,
      "retry-after-ms": `${waitMs}`,
      ...(waitMs > patienceMs ? { "x-should-retry": "false" } : {}),
    },
  };
}
