import { errorTable } from "./errors.ts";

/** The API a client speaks. It decides the shape of every error that the client gets. */
export type Surface = "openai" | "openai-responses" | "anthropic" | "gemini";

/** The API that a path belongs to, with or without `/v1` and a route's prefix before it; a query is ignored. */
export function surfaceOf(path: string): Surface {
  const end = path.search(/[?#]/);
  const bare = (end === -1 ? path : path.slice(0, end)).replace(/%3a/gi, ":");
  if (/:(generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents)$/.test(bare)) {
    return "gemini";
  }
  // OpenAI has messages too: of a thread, and of a stored completion.
  const messages = /\/messages(\/count_tokens|\/batches(\/.*)?)?\/?$/;
  if (messages.test(bare) && !/\/(threads|chat\/completions)\//.test(bare)) return "anthropic";
  if (/\/responses(\/.*)?$/.test(bare)) return "openai-responses";
  return "openai";
}

/**
 * What an error needs to become an answer. Every `GatewayError` is one; so is what a plugin answers with
 * (`respond {error}`), whose code may be any.
 */
export type AnswerError = { readonly status: number; readonly code: string; readonly message: string };

export type ErrorAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
};

/** The answer to a request that failed before its first byte was answered, as the client's own provider would write it. */
export function errorAnswer(surface: Surface, error: AnswerError, requestId: string): ErrorAnswer {
  return {
    status: error.status,
    headers: {
      "content-type": "application/json; charset=utf-8",
      "x-request-id": requestId,
      ...(surface === "anthropic" ? { "request-id": requestId } : {}),
      ...retryHeaders(error),
    },
    body: errorBody(surface, error, requestId),
  };
}

/** The JSON of an error in the client's shape; Anthropic's names the request when its id is known. */
export function errorBody(surface: Surface, error: AnswerError, requestId?: string): string {
  switch (surface) {
    case "openai":
    case "openai-responses":
      return JSON.stringify({
        error: { message: error.message, type: openaiType(error.status), param: null, code: error.code },
      });
    case "anthropic":
      return JSON.stringify({
        type: "error",
        error: { type: anthropicType(error.status), message: error.message },
        request_id: requestId,
      });
    case "gemini":
      return JSON.stringify({
        error: { code: error.status, message: error.message, status: geminiStatus(error.status) },
      });
    default:
      return surface satisfies never;
  }
}

/**
 * The event that ends a stream which failed after its first byte, in the client's format. It must follow a
 * whole event. Nothing may come after it: `[DONE]` would tell the client that all is well.
 */
export function errorEvent(surface: Surface, error: AnswerError): string {
  switch (surface) {
    case "openai":
    case "gemini":
      return `data: ${errorBody(surface, error)}\n\n`;
    case "openai-responses": {
      // SDKs validate this event and want a number; none compares it with those before.
      const event = {
        type: "error",
        code: error.code,
        message: error.message,
        param: null,
        sequence_number: 0,
      };
      return `event: error\ndata: ${JSON.stringify(event)}\n\n`;
    }
    case "anthropic":
      return `event: error\ndata: ${errorBody(surface, error)}\n\n`;
    default:
      return surface satisfies never;
  }
}

/** SDKs repeat 408, 409, 429 and 5xx by themselves: those that cannot succeed are told so, the others when to come back. */
function retryHeaders(error: AnswerError): Record<string, string> {
  if (!mayRetry(error)) return { "x-should-retry": "false" };
  // LangChain repeats a 429 only when this is there; a second is what overload lasts. OpenAI's and Anthropic's
  // SDKs read the milliseconds first.
  return error.status === 429 || error.status === 503 ? { "retry-after": "1", "retry-after-ms": "1000" } : {};
}

function mayRetry(error: AnswerError): boolean {
  if (Object.hasOwn(errorTable, error.code)) return errorTable[error.code as keyof typeof errorTable].retry;
  return error.status === 408 || error.status === 429 || error.status >= 502;
}

function openaiType(status: number): string {
  if (status === 402) return "insufficient_quota";
  if (status === 429) return "requests";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

function anthropicType(status: number): string {
  return anthropicTypes[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
}

/** https://docs.anthropic.com/en/api/errors; 503 is not among theirs, its meaning is. */
const anthropicTypes: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
  529: "overloaded_error",
};

function geminiStatus(status: number): string {
  return geminiStatuses[status] ?? (status >= 500 ? "INTERNAL" : "INVALID_ARGUMENT");
}

/** The names of `google.rpc.Code` for HTTP statuses. */
const geminiStatuses: Readonly<Record<number, string>> = {
  401: "UNAUTHENTICATED",
  402: "FAILED_PRECONDITION",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  408: "DEADLINE_EXCEEDED",
  409: "ABORTED",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  501: "UNIMPLEMENTED",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};
