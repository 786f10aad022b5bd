import { z } from "zod";
import { GatewayError } from "#host/errors.ts";
import { printable } from "#host/json.ts";
import { upstreamLimits } from "#host/limits.ts";
import { repeatsSecret } from "#host/repeats-secret.ts";
import { errorBody, type Surface } from "#host/surface.ts";
import { gather } from "./gather.ts";
import { jsonValue } from "./json-value.ts";
import type { UpstreamAnswer } from "./providers/provider.ts";
import { utf8Text } from "./utf8-text.ts";

/** The error of each API, as far as its clients read it. */
const shapes = {
  openai: z.object({ error: z.object({ message: z.string() }) }),
  "openai-responses": z.object({ error: z.object({ message: z.string() }) }),
  anthropic: z.object({
    type: z.literal("error"),
    error: z.object({ type: z.string(), message: z.string() }),
  }),
  gemini: z.object({ error: z.object({ code: z.number(), message: z.string(), status: z.string() }) }),
} as const satisfies Record<Surface, z.ZodType>;

/** Where errors of other shapes have their text. */
const message = z.union([
  z.object({ error: z.object({ message: z.string() }) }).transform(({ error }) => error.message),
  z.object({ error: z.string() }).transform(({ error }) => error),
  z.object({ message: z.string() }).transform((error) => error.message),
  z.object({ detail: z.string() }).transform(({ detail }) => detail),
]);

/**
 * The body of an upstream's 4xx or 5xx for this client: the upstream's bytes when they are that error
 * already, else its message in the client's shape. An answer that is too long, encoded or no JSON keeps
 * only its status, and so does one that repeats a secret.
 * @throws {GatewayError} what reading threw.
 */
export async function refusalBody(answer: UpstreamAnswer, surface: Surface): Promise<Uint8Array> {
  const gathered = isEncoded(answer) ? null : await gather(answer.body, upstreamLimits.errorBodyBytes);
  answer.discard();
  const bytes = gathered instanceof Uint8Array ? gathered : null;
  const text = bytes === null ? "" : utf8Text(bytes);
  const value = repeatsSecret(text, answer.secrets) ? undefined : jsonValue(text);
  if (bytes !== null && shapes[surface].safeParse(value).success) return bytes;
  const found = message.safeParse(value);
  const said = found.success ? printable(found.data) : `The upstream answered with status ${answer.status}.`;
  return Buffer.from(errorBody(surface, { status: answer.status, code: "upstream_error", message: said }));
}

/** A body in a coding, its own or the transfer's; the gateway decodes none. */
function isEncoded({ headers }: UpstreamAnswer): boolean {
  const content = String(headers["content-encoding"] ?? "");
  const transfer = String(headers["transfer-encoding"] ?? "");
  return !/^\s*(identity)?\s*$/i.test(content) || !/^\s*(chunked)?\s*$/i.test(transfer);
}

/**
 * Refuses answers that no client may get as they are.
 * @throws {GatewayError} `upstream_invalid`
 */
export function checkAnswer(answer: UpstreamAnswer): void {
  const { status } = answer;
  const problem = answerProblem(answer);
  if (problem === null) return;
  answer.discard();
  throw new GatewayError("upstream_invalid", problem, { upstreamStatus: status });
}

function answerProblem(answer: UpstreamAnswer): string | null {
  const { status } = answer;
  if (status === 401 || status === 403 || status === 407) {
    return `The upstream refused the gateway's own credential (status ${status}). The operator has to check the service's key.`;
  }
  if (status >= 300 && status < 400) {
    return `The upstream answered with a redirect (status ${status}), which the gateway does not follow. The operator has to check the service's URL.`;
  }
  if (status < 200 || status > 599)
    return `The upstream answered with status ${status}, which means nothing.`;
  if (status >= 400) return null;
  if (isEncoded(answer)) return "The upstream answered in a content coding that nobody asked for.";
  // A repeated field is a list here; clients would choose one of its types, each its own.
  return /^\s*text\/html\b/i.test(String(answer.headers["content-type"] ?? ""))
    ? "The upstream answered with a web page. The operator has to check the service's URL."
    : null;
}
