import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { GatewayError } from "#host/errors.ts";
import { errorBody } from "#host/surface.ts";
import type { Provider, UpstreamAnswer, UpstreamRequest } from "./provider.ts";

const models = ["mock", "mock-slow", "mock-cut", "mock-error-429", "mock-error-500"];
const slowMs = 200;
const embeddingSize = 8;

/** OpenAI's SDK asks for base64: little-endian 32-bit floats. */
const embeddingRequest = z.object({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string())]),
  encoding_format: z.enum(["float", "base64"]).default("float"),
});

const chatRequest = z.object({
  model: z.string(),
  messages: z
    .array(
      z.object({
        role: z.string(),
        content: z.union([z.string(), z.array(z.object({ text: z.string().default("") }))]).nullish(),
      }),
    )
    .min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
});
type ChatRequest = z.infer<typeof chatRequest>;

/**
 * An upstream inside the process, to try a gateway without key or network. It speaks OpenAI's chat
 * completions (plain and streamed), models and embeddings; every answer depends on the request alone.
 *
 * The assistant says `echo: ` and the last user message. The member `sandgate_mock {method, path, headers,
 * body}` of an answer, in a stream of its last chunk with content, is what reached the upstream. A token is
 * four characters.
 *
 * Model names choose how it behaves: `mock-slow` waits 200 ms before each event of a stream, and as long in
 * all before a plain answer; `mock-cut` breaks its stream off after two events; `mock-error-STATUS` (400 to
 * 599) fails with that status. Every other name answers.
 */
export function createMock(): Provider {
  const only = { key: "mock", url: null, send: async (request: UpstreamRequest) => answer(request) };
  return {
    off: null,
    pick: () => only,
    mark: () => false,
    failedProbes: () => [],
    targets: () => [],
    close: async () => {},
  };
}

function answer(request: UpstreamRequest): UpstreamAnswer | Promise<UpstreamAnswer> {
  const path = request.path.replace(/^\/v1(?=\/)/, "").replace(/(?<=.)\/$/, "");
  const status = failingStatus(request.json);
  if (status !== null)
    return refusal(status, `The mock fails with status ${status}, as the model's name asks.`);
  if (path === "/chat/completions") return posted(request, chatRequest, chat);
  if (path === "/embeddings") return posted(request, embeddingRequest, embeddings);
  if (path === "/models" || path.startsWith("/models/")) return modelAnswer(request, path);
  return refusal(404, `The mock has nothing at ${request.path}.`);
}

function failingStatus(json: unknown): number | null {
  const named = z.object({ model: z.string().regex(/^mock-error-[45]\d\d$/) }).safeParse(json);
  return named.success ? Number(named.data.model.slice(-3)) : null;
}

function posted<Body>(
  request: UpstreamRequest,
  schema: z.ZodType<Body>,
  respond: (request: UpstreamRequest, body: Body) => UpstreamAnswer | Promise<UpstreamAnswer>,
): UpstreamAnswer | Promise<UpstreamAnswer> {
  if (request.method !== "POST") return refusal(405, `The mock answers POST at ${request.path}.`);
  const body = schema.safeParse(request.json);
  if (body.success) return respond(request, body.data);
  const [issue] = body.error.issues;
  return refusal(400, `${issue?.path.join(".") || "The body"}: ${issue?.message}`);
}

async function chat(request: UpstreamRequest, body: ChatRequest): Promise<UpstreamAnswer> {
  const text = `echo: ${lastUserText(body)}`;
  const promptTokens = tokens(body.messages.map((message) => textOf(message.content)).join(""));
  const usage = {
    prompt_tokens: promptTokens,
    completion_tokens: tokens(text),
    total_tokens: promptTokens + tokens(text),
  };
  const stamp = stampOf(request);
  const head = { id: `chatcmpl-${stamp.id}`, created: stamp.created, model: body.model };
  if (body.stream === true) {
    return ok("text/event-stream; charset=utf-8", paced(request, { ...head, body, text, usage }));
  }
  if (body.model === "mock-slow") await pause(wordsOf(text).toArray().length * slowMs, request.signal);
  return json({
    ...head,
    object: "chat.completion",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: text, refusal: null },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage,
    sandgate_mock: seen(request),
  });
}

type Stream = {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly body: ChatRequest;
  readonly text: string;
  readonly usage: object;
};

async function* paced(request: UpstreamRequest, stream: Stream): AsyncGenerator<Uint8Array> {
  const events = streamed(request, stream);
  for (const event of stream.model === "mock-cut" ? events.take(2) : events) {
    if (stream.model === "mock-slow") await pause(slowMs, request.signal);
    yield Buffer.from(event);
  }
}

/**
 * The chunks of https://platform.openai.com/docs/api-reference/chat-streaming, one for each word, made when they
 * are asked for: one megabyte of words makes a hundred of chunks.
 */
function* streamed(request: UpstreamRequest, stream: Stream): Generator<string> {
  const { id, created, model, body, text, usage } = stream;
  const withUsage = body.stream_options?.include_usage === true;
  const chunk = (choices: readonly object[], more: object = {}) =>
    `data: ${JSON.stringify({ id, object: "chat.completion.chunk", created, model, choices, ...more })}\n\n`;
  const choice = (delta: object, finish: string | null, more: object = {}) =>
    chunk([{ index: 0, delta, logprobs: null, finish_reason: finish }], {
      ...(withUsage ? { usage: null } : {}),
      ...more,
    });

  yield choice({ role: "assistant", content: "", refusal: null }, null);
  let length = 0;
  for (const word of wordsOf(text)) {
    length += word.length;
    yield choice({ content: word }, null, length === text.length ? { sandgate_mock: seen(request) } : {});
  }
  yield choice({}, "stop");
  if (withUsage) yield chunk([], { usage });
  yield "data: [DONE]\n\n";
}

/** Each with the space before it; together they are the text. */
function wordsOf(text: string): IteratorObject<string> {
  return text.matchAll(/\s*\S+|\s+$/g).map(([word]) => word);
}

function embeddings(request: UpstreamRequest, body: z.infer<typeof embeddingRequest>): UpstreamAnswer {
  const inputs = typeof body.input === "string" ? [body.input] : body.input;
  const promptTokens = tokens(inputs.join(""));
  return json({
    object: "list",
    data: inputs.map((input, index) => {
      const vector = vectorOf(input);
      const embedding =
        body.encoding_format === "float" ? [...vector] : Buffer.from(vector.buffer).toString("base64");
      return { object: "embedding", index, embedding };
    }),
    model: body.model,
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
    sandgate_mock: seen(request),
  });
}

/** Numbers from -1 to 1, a hash of the text. */
function vectorOf(text: string): Float32Array {
  const hash = createHash("sha256").update(text).digest();
  return Float32Array.from({ length: embeddingSize }, (_, at) => hash.readInt32LE(at * 4) / 2 ** 31);
}

function modelAnswer(request: UpstreamRequest, path: string): UpstreamAnswer {
  if (request.method !== "GET") return refusal(405, `The mock answers GET at ${request.path}.`);
  const entries = models.map((id) => ({ id, object: "model", created: firstSecond, owned_by: "sandgate" }));
  if (path === "/models") return json({ object: "list", data: entries });
  const id = path.slice("/models/".length);
  const found = entries.find((entry) => entry.id === id);
  return found === undefined ? refusal(404, `The model '${id}' does not exist`) : json(found);
}

function lastUserText(body: ChatRequest): string {
  return textOf(body.messages.findLast((message) => message.role === "user")?.content);
}

function textOf(content: ChatRequest["messages"][number]["content"]): string {
  return typeof content === "string" ? content : (content ?? []).map((part) => part.text).join("");
}

function tokens(text: string): number {
  return Math.ceil(text.length / 4);
}

function seen({ method, path, query, headers, body, json }: UpstreamRequest): object {
  return {
    method,
    path: path + query,
    headers,
    body: json ?? (body === null ? null : Buffer.from(body).toString("utf8")),
  };
}

/** 2026-01-01. */
const firstSecond = 1_767_225_600;

function stampOf(request: UpstreamRequest): { id: string; created: number } {
  const hash = createHash("sha256")
    .update(request.body ?? "")
    .digest();
  return {
    id: `mock-${hash.toString("hex", 0, 12)}`,
    created: firstSecond + (hash.readUInt32LE(12) % 86_400),
  };
}

async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  await delay(durationMs, undefined, { signal }).catch((cause: unknown) => {
    throw new GatewayError("client_closed", "The client closed the request.", { cause });
  });
}

function json(value: object, status = 200): UpstreamAnswer {
  return { ...ok("application/json", oneChunk(Buffer.from(JSON.stringify(value)))), status };
}

function refusal(status: number, message: string): UpstreamAnswer {
  const body = errorBody("openai", { status, code: "mock_error", message });
  return { ...ok("application/json", oneChunk(Buffer.from(body))), status };
}

function ok(type: string, body: AsyncIterable<Uint8Array>): UpstreamAnswer {
  return { status: 200, headers: { "content-type": type }, body, secrets: [], discard: () => {} };
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
