import { z } from "zod";
import type { UpstreamRequest } from "./providers/provider.ts";

/** A chat completion that streams and does not ask for its usage. Anything odd is left for the upstream to refuse. */
const streamWithoutUsage = z.looseObject({
  stream: z.literal(true),
  stream_options: z.looseObject({ include_usage: z.literal([false, null]).optional() }).nullish(),
});

/**
 * The request with `stream_options.include_usage`, or null when it is none that needs it. The member is put
 * in by hand, so that all other bytes stay what the client sent; only a client with stream options of its own
 * gets its body written anew.
 */
export function withUsageAsked(request: UpstreamRequest): UpstreamRequest | null {
  if (request.method !== "POST" || request.body === null || !/\/completions\/?$/.test(request.path))
    return null;
  if ((request.json as { readonly stream?: unknown } | null | undefined)?.stream !== true) return null;
  const parsed = streamWithoutUsage.safeParse(request.json);
  if (!parsed.success) return null;
  const json = {
    ...(request.json as object),
    stream_options: { ...parsed.data.stream_options, include_usage: true },
  };
  const bytes = Buffer.from(request.body.buffer, request.body.byteOffset, request.body.byteLength);
  const body = Object.hasOwn(parsed.data, "stream_options")
    ? Buffer.from(JSON.stringify(json))
    : inserted(bytes, ',"stream_options":{"include_usage":true}');
  return { ...request, json, body };
}

function inserted(object: Buffer, member: string): Buffer {
  const end = object.lastIndexOf("}");
  return Buffer.concat([object.subarray(0, end), Buffer.from(member), object.subarray(end)]);
}
