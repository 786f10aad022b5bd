import { z } from "zod";
import type { Usage } from "#sdk/abi/input.ts";

const tokens = z.int().nonnegative();

/** Chat completions, completions and embeddings (which have no completion). */
const chatUsage = z
  .object({ prompt_tokens: tokens, completion_tokens: tokens.nullish() })
  .transform((usage) => ({ inputTokens: usage.prompt_tokens, outputTokens: usage.completion_tokens ?? 0 }));

/** Responses and messages. Anthropic counts what its cache had or took apart from the rest of the input. */
const messageUsage = z
  .object({
    input_tokens: tokens.nullish(),
    cache_creation_input_tokens: tokens.nullish(),
    cache_read_input_tokens: tokens.nullish(),
    output_tokens: tokens.nullish(),
  })
  .transform((usage) => ({
    ...(typeof usage.input_tokens === "number"
      ? {
          inputTokens:
            usage.input_tokens +
            (usage.cache_creation_input_tokens ?? 0) +
            (usage.cache_read_input_tokens ?? 0),
        }
      : {}),
    ...(typeof usage.output_tokens === "number" ? { outputTokens: usage.output_tokens } : {}),
  }));

const geminiUsage = z
  .object({
    promptTokenCount: tokens,
    candidatesTokenCount: tokens.optional(),
    thoughtsTokenCount: tokens.optional(),
  })
  .transform((usage) => ({
    inputTokens: usage.promptTokenCount,
    outputTokens: (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0),
  }));

const anyUsage: z.ZodType<Partial<Usage>> = z.union([chatUsage, messageUsage]);

/** Where each API keeps it: the answer itself, the `response` or `message` of an event, Gemini's own member. */
function usageIn(value: unknown): Partial<Usage> | undefined {
  const { usage, response, message, usageMetadata } = members(value);
  for (const one of [usage, members(response)["usage"], members(message)["usage"]]) {
    const { data } = one === undefined ? nothing : anyUsage.safeParse(one);
    if (data !== undefined) return data;
  }
  return usageMetadata === undefined ? undefined : geminiUsage.safeParse(usageMetadata).data;
}

const nothing = { data: undefined } as const;

/** Of an object; of anything else none. */
function members(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** Tokens as providers count them, gathered over the events of an answer: each later count replaces the earlier. */
export type UsageCount = {
  /** Reads one JSON value, an event's or the whole answer. */
  read(value: unknown): void;
  /** Undefined until both counts are known. */
  total(): Usage | undefined;
};

export function countUsage(): UsageCount {
  let known: Partial<Usage> = {};
  return {
    read: (value) => {
      known = { ...known, ...usageIn(value) };
    },
    total: () => {
      const { inputTokens, outputTokens } = known;
      return inputTokens === undefined || outputTokens === undefined
        ? undefined
        : { inputTokens, outputTokens };
    },
  };
}

/** Whether JSON text may carry usage: a cheap look before it is parsed. Most chunks of a stream say `"usage":null`. */
export function mayCarryUsage(text: string): boolean {
  return /"usage(Metadata)?"\s*:\s*\{/.test(text);
}
