import type { Json } from "#sdk/abi/from-schema.ts";
import { collect, relay } from "./answer.ts";
import { GatewayError } from "./errors.ts";
import type { Exchange, ResponsePart } from "./exchange.ts";
import { dueSteps } from "./pipeline/due-steps.ts";
import { StreamStopped } from "./pipeline/event-step.ts";
import { runStage, type StageContext } from "./pipeline/run-stage.ts";
import { throughSteps } from "./pipeline/stream.ts";
import type { Plan } from "./resolve/plan.ts";
import type { StreamPiece } from "./stream-event.ts";
import { errorAnswer } from "./surface.ts";
import { eventWriter, readEvents } from "./upstream/events.ts";
import type { ForwardAnswer } from "./upstream/forward.ts";
import { jsonValue } from "./upstream/json-value.ts";
import { assembleMessage, messageFormat } from "./upstream/messages/message.ts";

export type StreamContext = { readonly plan: Plan; readonly stage: StageContext };

/**
 * The body of an answer that is an event stream: each event goes through the event steps as the client asks for it. Where a
 * post-request step waits for the message, the whole stream is here first.
 * @param response without its body
 * @throws {GatewayError} when the stream must be here first: `upstream_*`, `plugin_*`, `client_closed`
 */
export async function takeStream(
  response: ResponsePart,
  answer: ForwardAnswer,
  { plan, stage }: StreamContext,
): Promise<ResponsePart> {
  const { exchange } = stage;
  const { body: use } = plan.stream;
  // Once for the stream: a step that began with it sees all of its events.
  const steps = dueSteps(plan.events, stage);
  exchange.isStream = use !== "buffer";
  if (steps.length === 0 && use === "stream")
    return { ...response, body: streamBody(relay(exchange, answer)) };

  const api = { surface: exchange.surface, path: exchange.request.path };
  const message = assembleMessage(exchange.surface);
  const pieces = throughSteps(readEvents(answer.body, api), steps, { ...stage, writer: eventWriter(api) });
  if (use === "buffer") return await collected(response, answer, { exchange, pieces, message });
  const chunks = use === "copy" ? heard(pieces, message) : pieces;
  const body = streamBody(relay(exchange, { ...answer, body: bytesOf(chunks) }));
  return {
    ...response,
    body: use === "copy" ? { ...body, chunks: keeping(body.chunks, exchange, message) } : body,
  };
}

type Heard = ReturnType<typeof assembleMessage>;

function streamBody(chunks: AsyncIterable<Uint8Array>) {
  return { kind: "stream", chunks } as const;
}

async function* bytesOf(pieces: AsyncIterable<StreamPiece>): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of pieces) yield bytes;
}

async function* heard(pieces: AsyncIterable<StreamPiece>, message: Heard): AsyncGenerator<StreamPiece> {
  for await (const piece of pieces) {
    if (piece.kind === "event") message.take(piece);
    yield piece;
  }
}

/** The same chunks; the exchange has the message once they have ended, and as much as came where they broke off. */
async function* keeping(
  chunks: AsyncIterable<Uint8Array>,
  exchange: Exchange,
  message: Heard,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } finally {
    const { response } = exchange;
    const json = message.value();
    if (response !== null && json !== undefined)
      exchange.response = { ...response, body: { kind: "json", json } };
  }
}

type Collecting = {
  readonly exchange: Exchange;
  readonly pieces: AsyncIterable<StreamPiece>;
  readonly message: Heard;
};

async function collected(
  response: ResponsePart,
  answer: ForwardAnswer,
  { exchange, pieces, message }: Collecting,
): Promise<ResponsePart> {
  try {
    const bytes = await collect(bytesOf(heard(pieces, message)));
    exchange.usage = answer.usage;
    exchange.isStream = true;
    return { ...response, body: { kind: "bytes", bytes, json: message.value() } };
  } catch (thrown) {
    if (!(thrown instanceof StreamStopped)) throw thrown;
    // Nothing has gone out, so it is an answer like any other.
    const { status, headers, body } = errorAnswer(exchange.surface, thrown.answer, exchange.id);
    const bytes = Buffer.from(body);
    return { status, headers, body: { kind: "bytes", bytes, json: jsonValue(body) as Json } };
  } finally {
    answer.discard();
  }
}

/**
 * Runs the post-request steps of an answer. A stream whose message they have changed is a stream again after it.
 * @throws what `runStage` throws; {GatewayError} `plugin_failed` when what they have left is no message.
 */
export async function runPostRequest({ plan, stage }: StreamContext): Promise<void> {
  const { exchange } = stage;
  if (!exchange.isStream) {
    await runStage(plan.postRequest, stage);
    return;
  }
  const { headers = {} } = exchange.response ?? {};
  const answered = await runStage(plan.stream.postRequest, stage);
  const { response } = exchange;
  if (answered || response === null || (response.body.kind !== "json" && response.body.kind !== "text"))
    return;
  const { body } = response;
  const events = body.kind === "json" ? messageFormat(exchange.surface).eventsOf(body.json) : null;
  if (events === null) {
    throw new GatewayError(
      "plugin_failed",
      "A plugin has left a body that is no message, which cannot be streamed.",
    );
  }
  const type = { "content-type": headers["content-type"] ?? "text/event-stream" };
  const bytes = Buffer.from(events);
  exchange.response = {
    ...response,
    headers: { ...response.headers, ...type },
    body: { kind: "bytes", bytes, json: body.kind === "json" ? body.json : undefined },
  };
}
