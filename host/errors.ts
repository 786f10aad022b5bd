import type { ErrorInfo } from "#sdk/abi/input.ts";

/** Who has to change something so that the request can succeed. */
export type Blame = ErrorInfo["blame"];

type Row = { readonly status: number; readonly blame: Blame; readonly retry: boolean };

/**
 * Every error a client can get. The code is the anchor in docs/errors.md. `retry: false` sends
 * `x-should-retry: false`, for failures that the same request would only meet again.
 */
export const errorTable = {
  invalid_json: { status: 400, blame: "client", retry: false },
  invalid_request: { status: 400, blame: "client", retry: false },
  unsupported_media_type: { status: 415, blame: "client", retry: false },
  unauthenticated: { status: 401, blame: "client", retry: false },
  no_route: { status: 404, blame: "client", retry: false },
  method_not_allowed: { status: 405, blame: "client", retry: false },
  request_timeout: { status: 408, blame: "client", retry: true },
  body_too_large: { status: 413, blame: "client", retry: false },
  headers_too_large: { status: 431, blame: "client", retry: false },
  client_closed: { status: 499, blame: "client", retry: false },
  plugin_failed: { status: 500, blame: "plugin", retry: false },
  plugin_overloaded: { status: 503, blame: "plugin", retry: true },
  plugin_quarantined: { status: 503, blame: "plugin", retry: true },
  internal: { status: 500, blame: "gateway", retry: false },
  service_off: { status: 503, blame: "gateway", retry: false },
  shutting_down: { status: 503, blame: "gateway", retry: true },
  upstream_unreachable: { status: 502, blame: "upstream", retry: true },
  upstream_timeout: { status: 504, blame: "upstream", retry: true },
  upstream_reset: { status: 502, blame: "upstream", retry: true },
  upstream_invalid: { status: 502, blame: "upstream", retry: true },
  upstream_error: { status: 502, blame: "upstream", retry: true },
} as const satisfies Record<string, Row>;

export type ErrorCode = keyof typeof errorTable;

/** An error with a place in the table. The message is for the client: what is wrong and what to do. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly blame: Blame;
  readonly upstreamStatus: number | undefined;
  readonly plugin: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    details: {
      cause?: unknown;
      upstreamStatus?: number;
      plugin?: string;
      /** In place of the table's, for an error that is the upstream's own. */
      status?: number;
      blame?: Blame;
    } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "GatewayError";
    this.code = code;
    this.status = details.status ?? errorTable[code].status;
    this.blame = details.blame ?? errorTable[code].blame;
    this.upstreamStatus = details.upstreamStatus;
    this.plugin = details.plugin;
  }
}

/** The gateway error that `thrown` is, or the one it means: whatever has no place in the table is `internal`. */
export function toGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  return new GatewayError("internal", "The gateway failed to handle this request.", { cause: thrown });
}
