import type { Json } from "@sandgate/plugin-sdk";

/**
 * Whether no text follows that belongs to the one before, in the APIs of OpenAI, Anthropic and Google: it has ended, or the model has
 * gone on to call a tool.
 */
export function isEndOfText(data: Json): boolean {
  const { type, choices, candidates, usage } = membersOf(data);
  if (typeof type === "string")
    return /^(content_block_stop|message_delta|message_stop|error)$|\.(done|completed|incomplete|failed)$/.test(
      type,
    );
  if (listOf(choices).length === 0 && Array.isArray(choices) && usage !== undefined) return true;
  return (
    listOf(choices).some(
      ({ finish_reason: reason, delta }) => isText(reason) || callsTool(membersOf(delta)),
    ) ||
    listOf(candidates).some(
      ({ finishReason, content }) => isText(finishReason) || hasCall(membersOf(content)),
    )
  );
}

function callsTool({ tool_calls: calls, function_call: call }: Members): boolean {
  return listOf(calls).length > 0 || Object.keys(membersOf(call)).length > 0;
}

function hasCall({ parts }: Members): boolean {
  return listOf(parts).some(({ functionCall }) => functionCall !== undefined);
}

type Members = { readonly [name: string]: Json | undefined };

function isText(value: Json | undefined): boolean {
  return typeof value === "string";
}

function listOf(value: Json | undefined): readonly Members[] {
  return Array.isArray(value) ? value.map(membersOf) : [];
}

function membersOf(value: Json | undefined): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {};
}
