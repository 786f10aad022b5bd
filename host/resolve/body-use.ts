import { type Batch, inOrder, type Step, toBatches } from "./step.ts";

/**
 * - `stream`: nobody looks at it, so it passes as it comes;
 * - `copy`: a completion step reads it, so a copy is kept while it passes;
 * - `buffer`: a post-request step reads or writes it, so it is held until that step has run.
 */
export type ResponseBodyUse = "stream" | "copy" | "buffer";

/** The steps behind an answer that is an event stream, whose body is the message put together from it. */
export type StreamPlan = {
  readonly postRequest: readonly Batch[];
  readonly completion: readonly Batch[];
  readonly body: ResponseBodyUse;
};

export function readsBody({ reads }: Step): boolean {
  return reads.includes("response") || reads.includes("response.body");
}

export function writesBody({ writes, effect }: Step): boolean {
  return effect === "enforce" && writes.has("response.body");
}

export function responseBodyUse(
  postRequest: readonly Step[] = [],
  completion: readonly Step[] = [],
): ResponseBodyUse {
  if (postRequest.some((step) => readsBody(step) || writesBody(step))) return "buffer";
  return completion.some(readsBody) ? "copy" : "stream";
}

/**
 * When a post-request step runs for a stream: `headers` when it begins; one that reads the body and asks for no more than tags after it
 * has ended (`completion`); for one that changes the body, or does anything else because of it, the host holds the stream back (`buffer`).
 * Where the plugin decides about events too, it does so in place of a step that looks at the body (`never`).
 */
export function timeOnStream(step: Step): "headers" | "completion" | "buffer" | "never" {
  if (!readsBody(step) && !writesBody(step)) return "headers";
  if (step.manifest.hooks.post_request_event !== undefined) return "never";
  if (writesBody(step)) return "buffer";
  const changes = step.effect === "enforce" && [...step.writes].some((field) => field !== "tags");
  return changes ? "buffer" : "completion";
}

export function streamPlan(postRequest: readonly Step[] = [], completion: readonly Step[] = []): StreamPlan {
  const batches = (steps: readonly Step[]) => toBatches(inOrder(steps));
  const onStreams = postRequest.filter((step) => timeOnStream(step) !== "never");
  if (onStreams.some((step) => timeOnStream(step) === "buffer")) {
    return { postRequest: batches(onStreams), completion: batches(completion), body: "buffer" };
  }
  const late = onStreams.filter((step) => timeOnStream(step) === "completion");
  return {
    postRequest: batches(onStreams.filter((step) => !late.includes(step))),
    completion: [...batches(late), ...batches(completion)],
    body: late.length > 0 || completion.some(readsBody) ? "copy" : "stream",
  };
}
